"""The network between Connectify and the broker loses, holds or delays what passes."""

import time

from faults.declaration import row
from faults.scene import Scene

BLACKHOLE_SECONDS = 30.0
DELAY_SECONDS = 0.2
DELAYED = ("relay", "timelines-consumer", "timelines-high-worker")


# Two heartbeats of 30 s, if the worker must notice by them.
@row(20, "network blackhole for 30 s, worker - broker", "bytes held", limit=150, recovery=60)
def blackhole(scene: Scene) -> None:
    proxy, url = scene.proxy("BROKER_URL")
    scene.dress("timelines-high-worker", BROKER_URL=url)
    scene.begin_load()
    with scene.fault():
        proxy.stall()
        time.sleep(BLACKHOLE_SECONDS)
        proxy.heal()
    time.sleep(5)
    scene.count("bytes held", proxy.disturbed)
    scene.undress("timelines-high-worker")


@row(21, "200 ms delay on the broker link", "bytes delayed")
def delay(scene: Scene) -> None:
    proxy, url = scene.proxy("BROKER_URL")
    for name in DELAYED:
        scene.dress(name, BROKER_URL=url)
    scene.begin_load(rate=2)
    with scene.fault():
        proxy.delay(DELAY_SECONDS)
        time.sleep(20)
        proxy.heal()
    scene.count("bytes delayed", proxy.disturbed)
    scene.undress(*DELAYED)
