"""Messages that a stranger wrote to break whoever reads them, in every queue."""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import urlsplit

import amqp

from devtools.faults import hostile
from devtools.faults.database import query
from devtools.faults.declaration import row
from devtools.faults.management import doctor
from devtools.faults.raw_amqp import Raw, publish
from devtools.faults.roll_call import demand_nobody_ended, everybody
from devtools.faults.scene import Scene
from devtools.processes import QUEUES

ROUNDS = 3
TARGET_SECONDS = 30.0
FILED_SECONDS = 90.0
FILED = "SELECT encode(body_hash, 'hex'), attempts FROM events_deadletter"


def connect(scene: Scene) -> amqp.Connection:
    url = urlsplit(scene.house.broker.url)
    connection = amqp.Connection(f"{url.hostname}:{url.port}", url.username, url.password)
    connection.connect()
    return connection


def mix(scene: Scene, queues: Iterable[str], rounds: int = ROUNDS) -> list[Raw]:
    """Every kind for each queue, the small ones once a round, in random order."""
    wanted = []
    for queue in queues:
        wanted += hostile.large(queue, scene.random.randrange(10**12))
        for _ in range(rounds):
            wanted += hostile.small(queue, scene.random.randrange(10**12))
    scene.random.shuffle(wanted)
    return wanted


def send(scene: Scene, wanted: Iterable[Raw]) -> None:
    connection = connect(scene)
    for message in wanted:
        publish(connection, message)
        scene.poison += 1
    connection.close()


@row(
    36,
    "hostile messages on every queue, lane and dead.letters",
    "messages that the broker took; letters of each kind of queue",
    limit=200,
    target=TARGET_SECONDS,
)
def strangers(scene: Scene) -> None:
    connection = scene.sql()
    wanted = mix(scene, QUEUES)
    scene.begin_load()
    before = everybody(scene)
    with scene.fault():
        send(scene, wanted)
        scene.until(
            lambda: len(query(connection, FILED)) >= scene.poison, "all letters", FILED_SECONDS
        )
    scene.count("messages taken", scene.poison)
    scene.count("queues", len({message.queue for message in wanted}))
    letters = query(connection, FILED)
    put = Counter(sha256(message.body).hexdigest() for message in wanted)
    found = Counter(body_hash for body_hash, _ in letters)
    scene.demand(found <= put, f"{(found - put).total()} letters of what nobody put in")
    scene.demand(put <= found, f"{(put - found).total()} messages are no letters")
    again = sum(attempts > 1 for _, attempts in letters)
    scene.demand(not again, f"{again} letters were filed more than once")
    demand_nobody_ended(scene, before)
    told = doctor(scene)
    for name in ("broker and consumers", "topology", "delivery"):
        scene.demand(told[name] == "", f"the doctor on {name}: {told[name]}")
