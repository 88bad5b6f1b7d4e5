"""Messages in every queue that were written to break whatever reads them."""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import urlsplit

import amqp

from devtools.faults import hostile
from devtools.faults.declaration import scenario
from devtools.faults.management import doctor
from devtools.faults.raw_amqp import Raw, publish
from devtools.faults.roll_call import demand_nobody_ended, everybody
from devtools.faults.run import Run
from devtools.lab.database import query
from devtools.processes import QUEUES

ROUNDS = 3
FILED_SECONDS = 90.0
FILED = "SELECT encode(body_hash, 'hex'), attempts FROM events_deadletter"


def connect(run: Run) -> amqp.Connection:
    url = urlsplit(run.broker.url)
    connection = amqp.Connection(f"{url.hostname}:{url.port}", url.username, url.password)
    connection.connect()
    return connection


def mix(run: Run, queues: Iterable[str], rounds: int = ROUNDS) -> list[Raw]:
    """Every kind of message for each queue, the small ones `rounds` times, in random order."""
    wanted = []
    for queue in queues:
        wanted += hostile.large(queue, run.random.randrange(10**12))
        for _ in range(rounds):
            wanted += hostile.small(queue, run.random.randrange(10**12))
    run.random.shuffle(wanted)
    return wanted


def send(run: Run, wanted: Iterable[Raw]) -> None:
    connection = connect(run)
    for message in wanted:
        publish(connection, message)
        run.poison += 1
    connection.close()


@scenario(
    36,
    "hostile messages on every queue, lane and dead.letters",
    "messages that the broker took; letters of each kind of queue",
    limit=200,
    delay=0.0,
)
def strangers(run: Run) -> None:
    connection = run.connect()
    wanted = mix(run, QUEUES)
    run.begin_load()
    before = everybody(run)
    with run.fault():
        send(run, wanted)
        run.until(lambda: len(query(connection, FILED)) >= run.poison, "all letters", FILED_SECONDS)
    run.count("messages taken", run.poison)
    run.count("queues", len({message.queue for message in wanted}))
    letters = query(connection, FILED)
    put = Counter(sha256(message.body).hexdigest() for message in wanted)
    filed = Counter(body_hash for body_hash, _ in letters)
    run.demand(filed <= put, f"{(filed - put).total()} letters of messages that nobody sent")
    run.demand(put <= filed, f"{(put - filed).total()} messages did not become letters")
    again = sum(attempts > 1 for _, attempts in letters)
    run.demand(not again, f"{again} letters were filed more than once")
    demand_nobody_ended(run, before)
    found = doctor(run)
    for name in ("broker and consumers", "topology", "delivery"):
        run.demand(found[name] == "", f"the doctor on {name}: {found[name]}")
