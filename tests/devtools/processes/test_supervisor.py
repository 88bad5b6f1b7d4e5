"""Connectify's processes: each is found by its record, and none is left running."""

import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection

from devtools.processes import QUEUES, Command, Supervisor, Tier, connectify
from devtools.processes.readiness import answers, consumed, listening, written
from devtools.servers.proc import started_at
from devtools.servers.process import ServerFailure
from events.lanes import lanes
from events.outbox import CHANNEL
from events.registry import subscribers
from events.topology import DEAD_QUEUE_NAME

SLEEP = ("-c", "import time; print('awake', flush=True); time.sleep(60)")
# Notes in the common file "ends" that it was told to end.
NOTING = (
    "import pathlib, signal, sys, time\n"
    "def end(*_):\n"
    "    with open('ends', 'a') as ends: ends.write({name!r} + '\\n')\n"
    "    sys.exit()\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "pathlib.Path({name!r}).touch()\n"
    "time.sleep(60)\n"
)


@pytest.fixture
def run(tmp_path):
    """Makes a supervisor of a table; stops its processes after the test."""
    made = []

    def make(**table: Command) -> Supervisor:
        processes = Supervisor(table, root=tmp_path, home=tmp_path, environ=os.environ)
        made.append(processes)
        return processes

    yield make
    for processes in made:
        processes.stop()


def sleeper(ready=lambda: True, tier: Tier = Tier.WORKERS) -> Command:
    return Command(SLEEP, tier, ready)


def noting(name: str, tier: Tier, home: Path) -> Command:
    return Command(("-c", NOTING.format(name=name)), tier, written(home / name))


def test_every_queue_and_lane_has_one_process_that_consumes_it():
    known = [*(subscriber.queue for subscriber in subscribers.values()), DEAD_QUEUE_NAME, *lanes]

    assert sorted(QUEUES) == sorted(known)


def test_the_table_starts_web_relay_consumers_workers_beat_and_flower(tmp_path):
    table = connectify(os.environ, web_port=1, flower_port=2)

    consumers = [name for name, command in table.items() if command.tier == Tier.CONSUMERS]
    assert len(consumers) == len(subscribers) + 1
    assert {"web", "relay", "beat", "flower"} < set(table)
    assert not any(os.environ["BROKER_URL"] in " ".join(c.arguments) for c in table.values())


def test_a_started_process_runs_until_it_is_stopped(run):
    processes = run(one=sleeper())
    processes.start()
    processes.wait_ready()
    pid = processes.pid("one")

    assert processes.stop() == []
    assert started_at(pid) is None
    assert processes.pid("one") is None
    assert processes.dead() == []


def test_a_later_caller_stops_what_an_earlier_one_left(run):
    run(one=sleeper()).start()
    later = run(one=sleeper())
    pid = later.pid("one")

    later.stop()

    assert pid is not None
    assert started_at(pid) is None


def test_a_process_that_runs_is_not_started_again(run):
    processes = run(one=sleeper())
    processes.start()
    pid = processes.pid("one")
    processes.start()

    assert processes.pid("one") == pid


def test_processes_stop_tier_by_tier(run, tmp_path):
    processes = run(
        worker=noting("worker", Tier.WORKERS, tmp_path),
        relay=noting("relay", Tier.RELAY, tmp_path),
        web=noting("web", Tier.WEB, tmp_path),
    )
    processes.start()
    processes.wait_ready()

    processes.stop()

    assert (tmp_path / "ends").read_text().split() == ["web", "relay", "worker"]


def test_a_process_that_died_is_named_with_the_end_of_its_log(run):
    processes = run(one=sleeper(), other=sleeper())
    processes.start()
    wait_for(lambda: "awake" in processes.tail("one"))
    os.kill(processes.pid("one"), signal.SIGKILL)
    wait_for(lambda: not processes.pid("one"))

    assert processes.dead() == ["one"]
    assert str(processes.log("one")) in processes.tail("one")


def test_a_killed_process_is_gone_and_not_taken_for_one_that_died(run):
    processes = run(one=sleeper())
    processes.start()

    processes.kill("one")

    assert processes.pid("one") is None
    assert processes.dead() == []


def test_a_restarted_process_has_another_pid(run):
    processes = run(one=sleeper())
    processes.start()
    before = processes.pid("one")

    processes.restart("one")

    assert processes.pid("one") not in (None, before)


def test_a_process_that_ends_while_it_starts_is_shown_with_its_log(run):
    processes = run(one=Command(("-c", "raise SystemExit('no luck')"), Tier.WEB, lambda: False))
    processes.start()

    with pytest.raises(ServerFailure, match="one ended while it started\n  no luck"):
        processes.wait_ready()


def test_a_process_that_is_never_ready_is_named_after_the_limit(run):
    processes = run(one=sleeper(ready=lambda: False))
    processes.start()

    with pytest.raises(ServerFailure, match="one is not ready after 0 s"):
        processes.wait_ready(limit=0.2)


def test_an_address_where_nobody_listens_does_not_answer():
    assert not answers("http://127.0.0.1:1/")()


@pytest.mark.broker
def test_a_queue_is_consumed_once_it_has_a_consumer(broker):
    question = consumed(os.environ["BROKER_URL"], DEAD_QUEUE_NAME)
    assert not question()

    with broker.channel() as channel:
        channel.basic_consume(DEAD_QUEUE_NAME, callback=lambda message: None)
        assert question()


@pytest.mark.broker
def test_a_queue_that_is_not_there_is_not_consumed(broker):
    assert not consumed(os.environ["BROKER_URL"], "no.such.queue")()


def test_a_relay_is_seen_by_its_listening(transactional_db):
    settings = connection.settings_dict
    credentials = f"{settings['USER']}:{settings['PASSWORD']}"
    where = f"{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    question = listening(f"postgres://{credentials}@{where}")
    assert not question()

    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    assert question()


def wait_for(condition, limit: float = 10.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
