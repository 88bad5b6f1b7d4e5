"""The network between Connectify and the broker loses, holds or delays traffic."""

import time

from devtools.faults.declaration import scenario
from devtools.faults.run import Run

BLACKHOLE_SECONDS = 30.0
DELAY_SECONDS = 0.2
DELAYED = ("relay", "timelines-consumer", "timelines-high-worker")


# The recovery time covers two heartbeats of 30 s, in case the worker notices only by them.
@scenario(20, "network blackhole for 30 s, worker - broker", "bytes held", limit=150, recovery=60)
def blackhole(run: Run) -> None:
    proxy, url = run.proxy("BROKER_URL")
    run.restart("timelines-high-worker", BROKER_URL=url)
    run.begin_load()
    with run.fault():
        proxy.stall()
        time.sleep(BLACKHOLE_SECONDS)
        proxy.heal()
    time.sleep(5)
    run.count("bytes held", proxy.disturbed)
    run.restore("timelines-high-worker")


@scenario(21, "200 ms delay on the broker link", "bytes delayed")
def delay(run: Run) -> None:
    proxy, url = run.proxy("BROKER_URL")
    for name in DELAYED:
        run.restart(name, BROKER_URL=url)
    run.begin_load(rate=2)
    with run.fault():
        proxy.delay(DELAY_SECONDS)
        time.sleep(20)
        proxy.heal()
    run.count("bytes delayed", proxy.disturbed)
    run.restore(*DELAYED)
