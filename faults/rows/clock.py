"""Clocks that are wrong, by libfaketime (Debian's package faketime)."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from events.lanes import periodic_tasks
from faults.database import query
from faults.declaration import row
from faults.failure import Skipped
from faults.management import ailments
from faults.punctuality import demand_in_time, newest
from faults.scene import Scene
from faults.tap import Tap

# The build for programs with threads.
PLACES = ("usr/lib/*/faketime/libfaketimeMT.so.1", "usr/lib*/faketime/libfaketimeMT.so.1")
SKEWS = ("+1h", "-1h", "+1d", "-1d")
SKEWED = ("relay", "timelines-high-worker")
SKEW_SECONDS = 4.0
TOMORROW_SECONDS = 15.0
MINUTE = 60.0
# Those that beat sends at least twice a minute.
PERIODIC = {each.name for each in periodic_tasks.values() if each.seconds <= MINUTE / 2}
# A slice bears the time of the worker that wrote it, a post that of the web server.
DATED_WRONG = """
    SELECT count(*) FROM timelines_slicerecord slice JOIN social_post post ON post.id = post_id
    WHERE abs(extract(epoch FROM slice.written_at - post.created_at)) > 1800
"""


def library() -> Path:
    """FAKETIME_LIBRARY names one that lies elsewhere."""
    given = os.environ.get("FAKETIME_LIBRARY")
    places = (path for place in PLACES for path in Path("/").glob(place))
    found = Path(given) if given else next(places, None)
    if found is None or not found.exists():
        raise Skipped("libfaketime is not installed (Debian: apt-get install faketime)")
    return found


@row(31, "the clock of relay and worker an hour, a day off", "slices dated wrong", limit=150)
def wrong_clocks(scene: Scene) -> None:
    faked = {"LD_PRELOAD": str(library()), "DONT_FAKE_MONOTONIC": "1"}
    scene.begin_load(rate=5)
    with scene.fault():
        for skew in SKEWS:
            for name in SKEWED:
                scene.dress(name, **faked, FAKETIME=skew)
            time.sleep(SKEW_SECONDS)
        scene.undress(*SKEWED)
    scene.count("slices dated wrong", query(scene.sql(), DATED_WRONG)[0][0])


@row(
    42,
    "beat started with a clock of tomorrow",
    "starts dated tomorrow; tasks that it sent then; periodic tasks after it",
    limit=180,
)
def beat_of_tomorrow(scene: Scene) -> None:
    # With DONT_FAKE_MONOTONIC=1 libfaketime fails every time.sleep() of Python, and beat dies.
    faked = {"LD_PRELOAD": str(library()), "FAKETIME": "+1d"}
    tomorrow = datetime.now().astimezone() + timedelta(days=1)
    starts = scene.logged("beat", f"LocalTime -> {tomorrow:%Y-%m-%d}")
    since = newest(scene)
    tap = Tap(scene)
    load = scene.begin_load(rate=4)
    with scene.fault():
        scene.dress("beat", **faked)
        scene.until(starts, "a start tomorrow", MINUTE)
        tap.tasks()
        time.sleep(TOMORROW_SECONDS)
        scene.count("starts dated tomorrow", starts())
        scene.count("tasks that it sent then", len(PERIODIC & tap.tasks()))
        # Stopped in order, so that it writes down whatever it keeps.
        scene.undress("beat")
    tap.tasks()
    begun_at = time.monotonic()
    missing = set(PERIODIC)
    while missing and time.monotonic() < begun_at + MINUTE:
        time.sleep(1)
        missing -= tap.tasks()
    scene.count("periodic tasks after it", len(PERIODIC - missing))
    scene.figures["all_periodic_tasks_after_s"] = round(time.monotonic() - begun_at, 1)
    scene.demand(not missing, f"not within a minute: {', '.join(sorted(missing))}")
    said = ailments(scene)
    silent = "beat is silent" in said
    scene.demand(silent == (missing == PERIODIC), f"beat lacks {missing}, and doctor says: {said}")
    load.stop()
    scene.until(lambda: not scene.pending(), "an empty outbox")
    time.sleep(3)
    demand_in_time(scene, since)
