"""Wrong clocks, made with libfaketime (Debian's package faketime)."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from devtools.faults.declaration import scenario
from devtools.faults.failure import Skipped
from devtools.faults.management import ailments
from devtools.faults.punctuality import demand_in_time, newest
from devtools.faults.run import Run
from devtools.faults.tap import Tasks
from devtools.lab.database import query
from events.lanes import periodic_tasks

# The build for programs with threads.
PLACES = ("usr/lib/*/faketime/libfaketimeMT.so.1", "usr/lib*/faketime/libfaketimeMT.so.1")
SKEWS = ("+1h", "-1h", "+1d", "-1d")
SKEWED = ("relay", "timelines-high-worker")
SKEW_SECONDS = 4.0
TOMORROW_SECONDS = 15.0
MINUTE = 60.0
# The tasks that beat sends at least twice a minute.
PERIODIC = {each.name for each in periodic_tasks.values() if each.seconds <= MINUTE / 2}
# A slice has the time of the worker that wrote it, and a post that of the web server.
DATED_WRONG = """
    SELECT count(*) FROM timelines_slicerecord slice JOIN social_post post ON post.id = post_id
    WHERE abs(extract(epoch FROM slice.written_at - post.created_at)) > 1800
"""


def library() -> Path:
    """The path of libfaketime; FAKETIME_LIBRARY overrides it."""
    given = os.environ.get("FAKETIME_LIBRARY")
    places = (path for place in PLACES for path in Path("/").glob(place))
    found = Path(given) if given else next(places, None)
    if found is None or not found.exists():
        raise Skipped("libfaketime is not installed (Debian: apt-get install faketime)")
    return found


@scenario(31, "the clock of relay and worker an hour, a day off", "slices dated wrong", limit=150)
def wrong_clocks(run: Run) -> None:
    faked = {"LD_PRELOAD": str(library()), "DONT_FAKE_MONOTONIC": "1"}
    run.begin_load(rate=5)
    with run.fault():
        for skew in SKEWS:
            for name in SKEWED:
                run.restart(name, **faked, FAKETIME=skew)
            time.sleep(SKEW_SECONDS)
        run.restore(*SKEWED)
    run.count("slices dated wrong", query(run.connect(), DATED_WRONG)[0][0])


@scenario(
    42,
    "beat started with a clock of tomorrow",
    "starts dated tomorrow; tasks that it sent then; periodic tasks after it",
    limit=180,
)
def beat_of_tomorrow(run: Run) -> None:
    # With DONT_FAKE_MONOTONIC=1 libfaketime fails every time.sleep() of Python, and beat dies.
    faked = {"LD_PRELOAD": str(library()), "FAKETIME": "+1d"}
    # Beat prints the time of its start, which must not wait in a buffer.
    faked["PYTHONUNBUFFERED"] = "1"
    tomorrow = datetime.now().astimezone() + timedelta(days=1)
    starts = run.logged("beat", f"LocalTime -> {tomorrow:%Y-%m-%d}")
    since = newest(run)
    tasks = Tasks(run)
    run.begin_load(rate=4)
    with run.fault():
        run.restart("beat", **faked)
        run.until(starts, "a start tomorrow", MINUTE)
        tasks.sent()
        time.sleep(TOMORROW_SECONDS)
        run.count("starts dated tomorrow", starts())
        run.count("tasks that it sent then", len(PERIODIC & tasks.sent()))
        # Stop it in order, so that it saves its schedule if it keeps one.
        run.restore("beat")
    tasks.sent()
    begun_at = time.monotonic()
    missing = set(PERIODIC)
    while missing and time.monotonic() < begun_at + MINUTE:
        time.sleep(1)
        missing -= tasks.sent()
    run.count("periodic tasks after it", len(PERIODIC - missing))
    run.figures["all_periodic_tasks_after_s"] = round(time.monotonic() - begun_at, 1)
    run.demand(not missing, f"not within a minute: {', '.join(sorted(missing))}")
    said = ailments(run)
    silent = "beat is silent" in said
    run.demand(silent == (missing == PERIODIC), f"beat lacks {missing}, and doctor says: {said}")
    demand_in_time(run, since)
