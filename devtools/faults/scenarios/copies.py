"""Two copies of a worker, and a connection that is reset on one side only."""

import time

from devtools.faults.declaration import scenario
from devtools.faults.proxy import Proxy, Way
from devtools.faults.roll_call import demand_nobody_ended, everybody
from devtools.faults.run import Run

WORKER, LANE = "timelines-high-worker", "timelines.high"
BACK_SECONDS = 30.0
# The messages of a lost connection go to another worker after two to three heartbeats of 10 s.
DELAY_SECONDS = 10.0
# More than heartbeats and confirms, so it must be tasks.
WORK_BYTES = 5_000


def until_it_works(run: Run, proxy: Proxy, what: str, limit: float = 60.0) -> float:
    """Wait until the worker behind the proxy receives tasks; return the seconds."""
    begun, before = time.monotonic(), proxy.passed[Way.BACK]
    run.until(lambda: proxy.passed[Way.BACK] - before > WORK_BYTES, what, limit)
    return time.monotonic() - begun


@scenario(
    43,
    "a second worker by the same command line; one whose connection is half reset",
    "tasks given to each; connections half reset",
    limit=240,
    delay=DELAY_SECONDS,
)
def side_by_side(run: Run) -> None:
    (first, first_url), (second, second_url) = (run.proxy("BROKER_URL") for _ in range(2))
    run.restart(WORKER, BROKER_URL=first_url)
    run.begin_load()
    before = everybody(run)
    with run.fault():
        added = run.add(f"{WORKER}-2", run.table[WORKER], BROKER_URL=second_url)
        run.until(lambda: run.broker.consumers(LANE) == 2, "two consumers of the lane")
        for name, proxy in (("first", first), ("second", second)):
            until_it_works(run, proxy, f"tasks for the {name} worker")
            run.count(f"kilobytes given to the {name}", round(proxy.passed[Way.BACK] / 1000))
        pid = added.pid(f"{WORKER}-2")
        for side, proxy, reset in (
            ("worker", first, first.half_cut),
            ("broker", second, second.cut_behind),
        ):
            reset()
            seconds = until_it_works(run, proxy, f"work after the {side}'s side was reset")
            run.figures[f"back_after_{side}_side_s"] = round(seconds, 1)
            run.demand(seconds <= BACK_SECONDS, f"the {side}'s side was reset: {seconds:.0f} s")
            run.count(f"connections reset on the {side}'s side", proxy.cuts)
    demand_nobody_ended(run, before)
    run.demand(added.pid(f"{WORKER}-2") == pid, "the second worker ended")
