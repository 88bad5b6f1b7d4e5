"""A real Celery worker in its own process, with messages that would break a plain Celery worker."""

import json
import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_celery_results.models import TaskResult
from kombu import Exchange

from events import healing
from events.lane_request import OVERRUNS
from events.models import DeadLetter
from events.publisher import Publisher
from events.relay import relay_batch
from tests.bus import depth, file_letters, put
from tests.waiting import until
from tests.worker_app import fail_for_good, fail_for_long, fail_once, note_text, overrun

pytestmark = pytest.mark.django_db(transaction=True)
LANE = "operations.low"


@pytest.fixture(scope="module")
def worker(django_db_setup, django_db_blocker):
    """A worker for two lanes, on the tests' broker and database."""
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    command = [sys.executable, "-m", "celery", "-A", "tests.worker_app", "worker", "-c", "1"]
    process = subprocess.Popen(
        [*command, "-Q", f"{LANE},timelines.low", "-n", "tests@%h", "-l", "CRITICAL"],
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(20)


@pytest.fixture
def notes(tmp_path):
    return tmp_path / "notes"


@pytest.fixture
def still_works(broker, worker, notes):
    """Assert that the worker goes on: it runs a valid task that is sent last."""

    def check() -> None:
        note_text.enqueue(path=str(notes), text="good")
        until(lambda: notes.exists() and "good" in notes.read_text(), 40)
        assert worker.poll() is None

    return check


def task(**headers) -> dict:
    return {"headers": {"task": "tests.note_text", "id": "x"} | headers}


@pytest.mark.parametrize(
    ("body", "properties", "reason"),
    [
        pytest.param(
            b"5", {"headers": {"task": "tests.note_text"}}, "header `id`", id="task header, no id"
        ),
        pytest.param(b"5", task(), "not a list of arguments", id="body of another shape"),
        pytest.param(b"[[], ", task(), "not decodable", id="broken JSON"),
        pytest.param("[[], {}, {}]".encode("utf-16"), task(), "not decodable", id="UTF-16"),
        pytest.param(
            b"\x80\x04N.",
            task()
            | {"content_type": "application/x-python-serialize", "content_encoding": "binary"},
            "pickle",
            id="a pickle",
        ),
        pytest.param(
            b"[[], {}, {}]",
            task(task="tests.no_such_task"),
            "tests.no_such_task",
            id="an unknown task",
        ),
        pytest.param(b"not json", {}, "header `task`", id="no header and broken JSON"),
        pytest.param(
            b"\xff", task() | {"content_type": "text/odd"}, "text/odd", id="unknown content type"
        ),
        pytest.param(
            b'[[], {"path": "%s"}, {}]' % (b"x" * 15 * 1000 * 1000), task(), "at most", id="15 MB"
        ),
    ],
)
def test_a_message_that_a_worker_cannot_decode_is_a_dead_letter_and_the_worker_goes_on(
    broker, still_works, body, properties, reason
):
    put(broker, LANE, body, **properties)
    still_works()
    until(DeadLetter.objects.exists)
    letter = DeadLetter.objects.get()
    assert letter.queue == LANE
    assert bytes(letter.body) == body
    assert letter.exception_type == "RefusedError"
    assert reason in letter.exception_message


@pytest.mark.parametrize("deaths", [[["an array"]], ["text"], [{}], [{"queue": []}], "text", None])
def test_a_malformed_x_death_header_is_refused_and_never_returned_to_the_broker(
    broker, still_works, deaths
):
    """It would crash RabbitMQ 3.10's process that moves dead letters."""
    forged = task(task="tests.fail_for_good", **{"x-death": deaths})
    for _ in range(20):
        put(broker, LANE, b"[[], {}, {}]", **forged)
    fail_for_good.enqueue(why="the input is wrong")
    still_works()
    until(lambda: depth(broker, "dead.letters") == 1)
    until(lambda: DeadLetter.objects.filter(exception_type="RefusedError").exists())


def test_a_refused_message_names_its_lane_by_whatever_binding_it_came(broker, still_works):
    """A replay of its letter goes to that lane."""
    with broker.channel() as channel:
        Exchange("strangers", type="fanout", durable=False, auto_delete=True)(channel).declare()
        channel.queue_bind(LANE, exchange="strangers", routing_key="")
        put(broker, "odd.key", b"5", exchange="strangers", **task())
        still_works()
        channel.queue_unbind(LANE, exchange="strangers", routing_key="")
    until(DeadLetter.objects.exists)
    assert DeadLetter.objects.get().queue == LANE


def test_other_lanes_go_on_while_a_refused_message_cannot_be_filed(broker, still_works):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE events_deadletter IN EXCLUSIVE MODE")
        put(broker, "timelines.low", b"5", **task())
        still_works()
        assert not DeadLetter.objects.exists()
    until(DeadLetter.objects.exists)
    assert DeadLetter.objects.get().queue == "timelines.low"


def test_a_final_failure_is_a_dead_letter_with_its_exception(broker, still_works):
    fail_for_good.enqueue(why="the input is wrong")
    still_works()
    until(lambda: depth(broker, "dead.letters") == 1)
    file_letters(1)
    letter = DeadLetter.objects.get()
    assert letter.task == "tests.fail_for_good"
    assert letter.exception_type == "ValueError"
    assert letter.exception_message == "the input is wrong"
    assert "fail_for_good" in letter.traceback
    assert b'"why": "the input is wrong"' in bytes(letter.body)


def test_a_retry_keeps_its_lane(broker, worker, notes):
    fail_once.enqueue(lane="timelines.low", path=str(notes))
    until(lambda: notes.exists() and len(notes.read_text().splitlines()) == 2, 60)
    first, second = notes.read_text().splitlines()
    assert first == "0 timelines.low"
    # The routing key of a delayed retry has its delay, as 28 binary digits, before the lane's name.
    assert second.startswith("1 ")
    assert second.endswith("timelines.low")


def test_passing_errors_end_in_a_dead_letter_after_the_last_attempt(broker, still_works):
    fail_for_long.enqueue()
    until(lambda: depth(broker, "dead.letters") == 1, 60)
    file_letters(1)
    assert DeadLetter.objects.get().exception_type == "ConnectionError"
    still_works()


def test_a_task_that_its_hard_time_limit_ends_runs_a_few_times_and_is_a_dead_letter(
    broker, still_works, notes
):
    overrun.enqueue(path=str(notes))
    until(lambda: depth(broker, "dead.letters") == 1, 60)
    assert notes.read_text().splitlines() == ["runs"] * OVERRUNS
    file_letters(1)
    letter = DeadLetter.objects.get()
    assert (letter.task, letter.exception_type) == ("tests.overrun", "TimeLimitExceeded")
    assert TaskResult.objects.get().task_name == "tests.overrun"
    still_works()


@pytest.mark.parametrize(("task", "attempts"), [("tests.note_text", 1), ("tests.fail_once", 2)])
def test_a_replayed_task_that_succeeds_settles_its_letter(broker, worker, notes, task, attempts):
    """Also if its first attempt failed and a retry succeeded."""
    arguments = {"path": str(notes)} | ({"text": "hi"} if attempts == 1 else {})
    letter = DeadLetter.objects.create(
        queue=LANE,
        message_id="a-task",
        task=task,
        headers={"task": task, "id": "a-task", "lang": "py"},
        properties={"content_type": "application/json", "content_encoding": "utf-8"},
        body=json.dumps([[], arguments, {}]).encode(),
        first_failed_at=timezone.now(),
        last_failed_at=timezone.now(),
    )
    healing.replay(healing.select({}))
    publisher = Publisher(os.environ["BROKER_URL"])
    relay_batch(publisher)
    publisher.close()
    until(lambda: DeadLetter.objects.exclude(healed_at=None).exists(), 40)
    assert len(notes.read_text().splitlines()) == attempts
    letter.refresh_from_db()
    assert letter.state == "replayed"


def test_a_replayed_task_that_fails_again_opens_its_letter(broker, worker):
    """A later success of another task settles nothing."""
    fail_for_good.enqueue(why="still")
    until(lambda: depth(broker, "dead.letters") == 1)
    file_letters(1)
    healing.replay(healing.select({}))
    publisher = Publisher(os.environ["BROKER_URL"])
    relay_batch(publisher)
    publisher.close()
    until(lambda: depth(broker, "dead.letters") == 1)
    file_letters(1)
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.healed_at, letter.attempts) == ("open", None, 2)
