"""Push services misbehave, each in its own way. Pushes through other services must not be
delayed."""

import time
from collections import Counter
from collections.abc import Mapping

from devtools.faults.burst import burst
from devtools.faults.declaration import scenario
from devtools.faults.phones import FINE, Phones, phones
from devtools.faults.pushes import demand_arrivals, demand_in_time, settled
from devtools.faults.run import Run

RATE = 2.0
# The authors with the most followers; each writes one more post when the fault begins.
BURST_AUTHORS = 10
FAULT_SECONDS = 20.0
RETRY_AFTER = 5
MISBEHAVIOUR: Mapping[str, dict] = {
    "failing": {"how": 500},
    "limited": {"how": 429, "retry_after": RETRY_AFTER},
    "hanging": {"how": "hang"},
    "gone": {"how": 410},
}
HEALED = ("failing", "limited", "hanging")
STATUSES = {"failing": 500, "limited": 429, "hanging": 0, "gone": 410}


@scenario(
    30,
    "push service answers 500, 429 with Retry-After, hangs, 410",
    "answers of each kind; subscriptions removed",
    limit=300,
)
def push_services_misbehave(run: Run) -> None:
    connection = run.connect()
    with phones(run.people, list(MISBEHAVIOUR)) as made:
        made.register(connection)
        # Nobody follows or unfollows, so that each post's audience is known.
        run.begin_load(RATE, follows=0.0)
        with run.fault():
            began_at = time.time()
            for name, answer in MISBEHAVIOUR.items():
                made.services[name].answer("*", **answer)
            burst(connection, run.people.authors[:BURST_AUTHORS], 1)
            time.sleep(FAULT_SECONDS)
            for name in HEALED:
                made.services[name].answer("*", 201)
        ended_at = time.time()
        run.load.stop()
        posts = settled(run)
        demand_arrivals(run, made, posts, (FINE, *HEALED), once=False)
        for name, status in STATUSES.items():
            answers = sum(receipt.status == status for receipt in made.receipts(name))
            run.count(f"answers of the {name} one", answers)
        demand_in_time(run, made, posts, FINE, began_at, ended_at)
        judge_waits(run, made)
        judge_subscriptions(run, made, {name: made.left(connection, name) for name in STATUSES})


def judge_subscriptions(run: Run, made: Phones, left: Mapping[str, int]) -> None:
    registered = Counter(name for name, _ in made.devices.values())
    run.count("subscriptions removed", registered["gone"] - left["gone"])
    run.demand(not left["gone"], f"{left['gone']} subscriptions that are gone are left")
    for name in HEALED:
        run.demand(left[name] == registered[name], f"subscriptions removed: {name}")


def judge_waits(run: Run, made: Phones) -> None:
    """Demand that a push service that sent Retry-After gets no request before that time."""
    limited: dict[tuple[str, str], float] = {}
    early = 0
    for receipt in made.receipts("limited"):
        key = (receipt.topic, receipt.token)
        early += receipt.monotonic < limited.get(key, 0.0)
        if receipt.status == STATUSES["limited"]:
            limited[key] = receipt.monotonic + RETRY_AFTER
    run.demand(not early, f"{early} pushes were repeated before Retry-After")
