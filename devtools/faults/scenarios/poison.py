"""Unusable messages in every queue, and dead letters while the database is down."""

from devtools.faults.burst import burst
from devtools.faults.celery_messages import LANE, publish, send
from devtools.faults.declaration import scenario
from devtools.faults.management import manage
from devtools.faults.run import Run
from devtools.faults.scenarios.tasks import Notes
from devtools.lab.database import query
from devtools.processes import QUEUES

LETTERS_QUEUE = "dead.letters"
# With the load there are about 10,000 messages in the event queues and lanes; 1 % are unusable.
BURST_OF_AUTHOR = 20
POISON_OF_QUEUE = 10
HEALABLE = 10
AWAY_SECONDS = 8.0
OPEN = "SELECT count(*) FROM events_deadletter WHERE state = 'open'"
REPLAYED = "SELECT count(*) FROM events_deadletter WHERE state = 'replayed'"


def unusable(number: int) -> list[tuple[bytes, dict]]:
    """Bodies and properties of unusable messages. Each contains the number, because equal letters
    without an id count as one."""
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


def poison(run: Run, queue: str, count: int) -> None:
    for _ in range(count):
        kinds = unusable(run.random.randrange(10**12))
        body, given = kinds[run.poison % len(kinds)]
        publish(run.broker.url, body, exchange="", routing_key=queue, **given)
        run.poison += 1


@scenario(
    32, "1 % poison in every queue", "letters; letters replayed after the cause was gone", limit=150
)
def poisoned(run: Run) -> None:
    connection = run.connect()
    queues = [name for name in QUEUES if name != LETTERS_QUEUE]
    run.begin_load(rate=4)
    with run.fault():
        made = burst(connection, run.people.authors, BURST_OF_AUTHOR)
        for queue in queues:
            poison(run, queue, POISON_OF_QUEUE)
        for number in range(HEALABLE):
            path = str(run.environment.home / "notes" / "notes")
            send(run, "faults.note", path=path, text=f"healed {number}")
        wanted = run.poison + HEALABLE
        run.until(lambda: query(connection, OPEN)[0][0] >= wanted, "all letters", 60)
    run.figures["posts_of_the_burst"] = made
    notes = Notes(run)
    manage(run, "dead_letters", "replay", "--task", "faults.note", "--yes")
    healed = {f"healed {number}" for number in range(HEALABLE)}
    run.until(lambda: healed <= set(notes.lines), "the replayed tasks", 30)
    run.count("letters", wanted)
    run.count("letters replayed", query(connection, REPLAYED)[0][0])


@scenario(33, "the dead-letter queue's database down", "letters waiting in dead.letters")
def letters_wait(run: Run) -> None:
    connection = run.connect()
    proxy, url = run.proxy("DATABASE_URL")
    run.restart("dead-letters-consumer", DATABASE_URL=url)
    run.begin_load()
    with run.fault():
        proxy.refuse()
        # Only messages that a worker refuses pass through this queue; consumers of events file
        # their letters themselves.
        for lane in (LANE, "timelines.high"):
            poison(run, lane, POISON_OF_QUEUE)
        run.until(
            lambda: run.broker.depths().get(LETTERS_QUEUE, 0) == run.poison,
            "all letters waiting in their queue",
            AWAY_SECONDS * 3,
        )
        run.count("letters waiting", run.broker.depths()[LETTERS_QUEUE])
        filed = query(connection, OPEN)[0][0]
        run.demand(not filed, f"{filed} letters were filed without a database")
        proxy.heal()
    run.until(lambda: query(connection, OPEN)[0][0] == run.poison, "the letters' rows")
    run.restore("dead-letters-consumer")
