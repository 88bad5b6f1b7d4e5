"""Workers side by side, and one of which the network keeps half."""

import time

from faults.declaration import row
from faults.proxy import Proxy, Way
from faults.roll_call import demand_nobody_ended, everybody
from faults.scene import Scene

WORKER, LANE = "timelines-high-worker", "timelines.high"
BACK_SECONDS = 30.0
# What the lost connection held is given to another worker after two to three heartbeats of 10 s.
TARGET_SECONDS = 40.0
# More than heartbeats and confirms: tasks.
WORK_BYTES = 5_000


def until_it_works(scene: Scene, proxy: Proxy, what: str, limit: float = 60.0) -> float:
    """Seconds until the worker behind the proxy has been given tasks."""
    begun, before = time.monotonic(), proxy.passed[Way.BACK]
    scene.until(lambda: proxy.passed[Way.BACK] - before > WORK_BYTES, what, limit)
    return time.monotonic() - begun


@row(
    43,
    "a second worker by the same command line; one whose connection is half reset",
    "tasks given to each; connections half reset",
    limit=240,
    target=TARGET_SECONDS,
)
def side_by_side(scene: Scene) -> None:
    (first, first_url), (second, second_url) = (scene.proxy("BROKER_URL") for _ in range(2))
    scene.dress(WORKER, BROKER_URL=first_url)
    scene.begin_load()
    before = everybody(scene)
    with scene.fault():
        added = scene.add(f"{WORKER}-2", scene.house.table[WORKER], BROKER_URL=second_url)
        scene.until(lambda: scene.house.broker.consumers(LANE) == 2, "two consumers of the lane")
        for name, proxy in (("first", first), ("second", second)):
            until_it_works(scene, proxy, f"tasks for the {name} worker")
            scene.count(f"kilobytes given to the {name}", round(proxy.passed[Way.BACK] / 1000))
        pid = added.pid(f"{WORKER}-2")
        for side, proxy, reset in (
            ("worker", first, first.half_cut),
            ("broker", second, second.cut_behind),
        ):
            reset()
            seconds = until_it_works(scene, proxy, f"work after the {side}'s side was reset")
            scene.figures[f"back_after_{side}_side_s"] = round(seconds, 1)
            scene.demand(seconds <= BACK_SECONDS, f"the {side}'s side was reset: {seconds:.0f} s")
            scene.count(f"connections reset on the {side}'s side", proxy.cuts)
    demand_nobody_ended(scene, before)
    scene.demand(added.pid(f"{WORKER}-2") == pid, "the second worker ended")
