"""Messages that nobody can use, in every queue, and dead letters while their database is away."""

from faults.burst import burst
from faults.celery_messages import LANE, publish, send
from faults.database import query
from faults.declaration import row
from faults.management import manage
from faults.rows.tasks import Notes
from faults.scene import Scene
from stack.processes import QUEUES

LETTERS_QUEUE = "dead.letters"
# With the load's, about 10,000 messages in the event queues and lanes; 1 % of them poison.
BURST_OF_AUTHOR = 20
POISON_OF_QUEUE = 10
HEALABLE = 10
AWAY_SECONDS = 8.0
OPEN = "SELECT count(*) FROM events_deadletter WHERE state = 'open'"
REPLAYED = "SELECT count(*) FROM events_deadletter WHERE state = 'replayed'"


def unusable(number: int) -> list[tuple[bytes, dict]]:
    """Bodies and properties of messages that nobody can use. The number is in each, since equal
    letters without an id of their own are one."""
    task = {"task": "timelines.write_slices"}
    unknown = {"task": "no.such_task", "id": f"poison-{number}"}
    pickled = {"content_type": "application/x-python-serialize", "content_encoding": "binary"}
    return [
        (b"not json %d" % number, {}),
        (b'{"event_id": "%d", "event_type": "no.such", "data": {}}' % number, {}),
        (b"%d" % number, {"headers": task}),
        (b'[[], {"number": %d}, {}]' % number, {"headers": unknown}),
        (b"\x80\x04K\x05. %d" % number, pickled),
    ]


def poison(scene: Scene, queue: str, count: int) -> None:
    for _ in range(count):
        kinds = unusable(scene.random.randrange(10**12))
        body, given = kinds[scene.poison % len(kinds)]
        publish(scene.house.broker.url, body, exchange="", routing_key=queue, **given)
        scene.poison += 1


@row(
    32, "1 % poison in every queue", "letters; letters replayed after the cause was gone", limit=150
)
def poisoned(scene: Scene) -> None:
    connection = scene.sql()
    queues = [name for name in QUEUES if name != LETTERS_QUEUE]
    scene.begin_load(rate=4)
    people = scene.house.population
    with scene.fault():
        made = burst(connection, people.ids[: people.graph.authors], BURST_OF_AUTHOR)
        for queue in queues:
            poison(scene, queue, POISON_OF_QUEUE)
        for number in range(HEALABLE):
            path = str(scene.house.home / "notes" / "notes")
            send(scene, "faults.note", path=path, text=f"healed {number}")
        wanted = scene.poison + HEALABLE
        scene.until(lambda: query(connection, OPEN)[0][0] >= wanted, "all letters", 60)
    scene.figures["posts_of_the_burst"] = made
    notes = Notes(scene)
    manage(scene, "dead_letters", "replay", "--task", "faults.note", "--yes")
    healed = {f"healed {number}" for number in range(HEALABLE)}
    scene.until(lambda: healed <= set(notes.lines), "the replayed tasks", 30)
    scene.count("letters", wanted)
    scene.count("letters replayed", query(connection, REPLAYED)[0][0])


@row(33, "the dead-letter queue's database down", "letters waiting in dead.letters")
def letters_wait(scene: Scene) -> None:
    connection = scene.sql()
    proxy, url = scene.proxy("DATABASE_URL")
    scene.dress("dead-letters-consumer", DATABASE_URL=url)
    scene.begin_load()
    with scene.fault():
        proxy.refuse()
        # Only what a worker refuses takes this way: consumers of events file their letters.
        for lane in (LANE, "timelines.high"):
            poison(scene, lane, POISON_OF_QUEUE)
        scene.until(
            lambda: scene.house.broker.depths().get(LETTERS_QUEUE, 0) == scene.poison,
            "all letters waiting in their queue",
            AWAY_SECONDS * 3,
        )
        scene.count("letters waiting", scene.house.broker.depths()[LETTERS_QUEUE])
        filed = query(connection, OPEN)[0][0]
        scene.demand(not filed, f"{filed} letters were filed without a database")
        proxy.heal()
    scene.until(lambda: query(connection, OPEN)[0][0] == scene.poison, "the letters' rows")
    scene.undress("dead-letters-consumer")
