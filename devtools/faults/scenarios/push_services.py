"""Push services that are slow, that a few users misuse, or that reject our key: nothing is lost or
doubled, and other users do not wait."""

import secrets
import time

from devtools.faults.burst import burst
from devtools.faults.declaration import scenario
from devtools.faults.management import lag
from devtools.faults.phones import FINE, Phones, phones
from devtools.faults.pushes import demand_arrivals, demand_in_time, settled
from devtools.faults.run import Run
from devtools.faults.scenarios.push import BURST_AUTHORS, RATE
from devtools.push_service import Device, registration

FAULT_SECONDS = 30.0
SLOW_SECONDS = 3.0
REJECTED_SECONDS = 300.0
HOSTILE_USERS = 2
DEVICES = 16
HOSTILE = ({"how": 429}, {"how": "hang"}, {"how": 500}, {"how": 403})


@scenario(48, "a push service that answers after 3 s", "answers that took 3 s", limit=300)
def slow(run: Run) -> None:
    connection = run.connect()
    with phones(run.people, ["slow"]) as made:
        made.register(connection)
        run.begin_load(RATE, follows=0.0)
        with run.fault():
            began_at = time.time()
            made.services["slow"].answer("*", "slow", seconds=SLOW_SECONDS)
            burst(connection, run.people.authors[:BURST_AUTHORS], 1)
            time.sleep(FAULT_SECONDS)
            run.count("slow answers", sum(r.wall > began_at for r in made.receipts("slow")))
            made.services["slow"].answer("*", 201)
        run.load.stop()
        posts = settled(run)
        demand_arrivals(run, made, posts, (FINE, "slow"))
        for name in (FINE, "slow"):
            demand_in_time(run, made, posts, name, began_at)


@scenario(
    49,
    "a hostile user's devices at everybody's push service: 429, hang, 500, 403",
    "attempts at their devices that failed",
    limit=300,
)
def hostile(run: Run) -> None:
    connection = run.connect()
    with phones(run.people, []) as made:
        made.register(connection)
        theirs = hostile_devices(run, made)
        registration.register(connection, theirs)
        run.begin_load(RATE, follows=0.0)
        with run.fault():
            began_at = time.time()
            for number, (_, device, _) in enumerate(theirs):
                made.services[FINE].answer(device.token, **HOSTILE[number % len(HOSTILE)])
            burst(connection, run.people.authors[:BURST_AUTHORS], 1)
            time.sleep(FAULT_SECONDS)
            tokens = {device.token for _, device, _ in theirs}
            failed = [r for r in made.receipts(FINE) if r.token in tokens and not r.accepted]
            run.count("failed attempts", len(failed))
            for token in tokens:
                made.services[FINE].answer(token, 201)
        run.load.stop()
        posts = settled(run)
        demand_arrivals(run, made, posts, (FINE,))
        demand_in_time(run, made, posts, FINE, began_at)


def hostile_devices(run: Run, made: Phones) -> list[tuple[int, Device, str]]:
    """Sixteen devices for each of the users without a device who follow the most."""
    ids = [run.people.ids[user] for user in run.people.most_reached(run.people.graph.user_count)]
    users = [user for user in ids if user not in made.devices][-HOSTILE_USERS:]
    origin = made.services[FINE].origin
    return [(user, Device.generate(), origin) for user in users for _ in range(DEVICES)]


@scenario(
    50,
    "a push service rejects our VAPID key for five minutes, then takes it",
    "answers 403; times that lag named the push service",
    limit=700,
    recovery=60.0,
)
def rejected(run: Run) -> None:
    connection = run.connect()
    with phones(run.people, ["wrong"]) as made:
        made.register(connection)
        gate = made.services["wrong"].gate
        run.begin_load(RATE, follows=0.0)
        with run.fault():
            began_at = time.time()
            gate.key = secrets.token_urlsafe(65)
            gate.verified.clear()
            for _ in range(10):
                time.sleep(REJECTED_SECONDS / 10)
                reported = lag(run)["push_services"]
                named = any(made.services["wrong"].origin in each for each in reported)
                run.count("named by lag", named)
                others = [each for each in reported if made.services[FINE].origin in each]
                run.demand(not others, "lag named the push service that takes our key")
            gate.key = None
        run.load.stop()
        posts = settled(run)
        receipts = made.receipts("wrong")
        run.count("answers 403", sum(receipt.status == 403 for receipt in receipts))
        demand_arrivals(run, made, posts, (FINE, "wrong"))
        demand_in_time(run, made, posts, FINE, began_at)
