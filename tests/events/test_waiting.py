"""Events that fail while others succeed are set aside; if all fail, the batch is held."""

from datetime import timedelta

import pytest
from django.db import InternalError, OperationalError, connection
from django.utils import timezone

from events import waiting
from events.errors import NotYetError
from events.models import DeadLetter, InboxEntry, WaitingEvent
from events.probing import SubscriberProbe
from events.processing import Processor
from events.publisher import Publisher
from events.registry import Subscriber
from tests.bus import depth, post_created, put, retry, work_off
from tests.events.test_processing import QUEUE, Recording

pytestmark = pytest.mark.django_db(transaction=True)
NOT_VISIBLE = NotYetError("post 2 is not visible yet")
NOWHERE = "amqp://nobody:nothing@127.0.0.1:1//"


def work_off_three(broker, handler: Recording) -> None:
    for post_id in (1, 2, 3):
        put(broker, QUEUE, post_created(post_id, event_id=f"evt_{post_id}"), type="post.created")
    work_off(handler.subscriber, 3)


def handled(handler: Recording) -> list[int]:
    return [post for call in handler.calls for post in call]


@pytest.mark.parametrize(
    "error", [NOT_VISIBLE, OperationalError("canceling statement due to statement timeout")]
)
def test_an_event_that_fails_alone_is_set_aside_and_has_its_effect_later(broker, error):
    handler = Recording({2: error})
    work_off_three(broker, handler)
    assert handled(handler) == [1, 3]
    assert depth(broker, QUEUE) == 0
    row = WaitingEvent.objects.get()
    assert (row.event_id, row.attempts, row.reason) == ("evt_2", 1, str(error))
    handler.failures.clear()
    assert retry(handler.subscriber) == 1
    assert handled(handler) == [1, 3, 2]
    assert not WaitingEvent.objects.exists()
    assert InboxEntry.objects.filter(event_id="evt_2").exists()
    assert not DeadLetter.objects.exists()


def test_a_failing_event_that_is_alone_in_its_batch_is_set_aside_if_the_subscriber_can_work(broker):
    handler = Recording({2: NOT_VISIBLE})
    put(broker, QUEUE, post_created(2))
    work_off(handler.subscriber, 1)
    assert WaitingEvent.objects.count() == 1
    assert depth(broker, QUEUE) == 0


@pytest.mark.parametrize(
    ("error", "attempts", "seconds"),
    [
        (NOT_VISIBLE, waiting.ATTEMPTS_NOT_YET, 63),
        (OperationalError("lock timeout"), waiting.ATTEMPTS, 603),
    ],
)
def test_after_its_last_attempt_an_event_is_a_dead_letter_with_the_reason(
    broker, error, attempts, seconds
):
    assert sum(map(waiting.wait_after, range(1, attempts))) == seconds
    handler = Recording({2: error})
    work_off_three(broker, handler)
    for _ in range(attempts - 2):
        retry(handler.subscriber)
    row = WaitingEvent.objects.get()
    assert row.attempts == attempts - 1
    assert row.due_at > timezone.now() + timedelta(seconds=waiting.wait_after(attempts - 1) - 5)
    retry(handler.subscriber)
    assert not WaitingEvent.objects.exists()
    letter = DeadLetter.objects.get()
    assert (letter.queue, letter.message_id) == (QUEUE, "evt_2")
    assert (letter.exception_type, letter.exception_message) == (
        type(error).__name__,
        str(error),
    )


def test_a_permanent_error_ends_the_wait_at_once(broker):
    handler = Recording({2: NOT_VISIBLE})
    work_off_three(broker, handler)
    handler.failures[2] = ValueError("broken")
    retry(handler.subscriber)
    assert not WaitingEvent.objects.exists()
    assert DeadLetter.objects.get().exception_type == "ValueError"


def test_in_an_outage_the_batch_is_held_and_no_attempt_counts(broker):
    handler = Recording({1: ConnectionError("broker"), 2: ConnectionError("broker")})
    cannot = SubscriberProbe("timelines", Publisher(NOWHERE))
    processor = Processor(handler.subscriber, cannot, timezone.now)
    for post_id in (1, 2):
        put(broker, QUEUE, post_created(post_id))
    channel = broker.channel()
    messages = [channel.message_to_python(channel.basic_get(QUEUE)) for _ in range(2)]
    for _ in range(2):
        with pytest.raises(ConnectionError):
            processor(messages)
    assert not any(message.acknowledged for message in messages)
    assert not WaitingEvent.objects.exists()


def test_in_an_outage_no_attempt_of_a_waiting_event_counts(broker):
    handler = Recording({2: NOT_VISIBLE})
    work_off_three(broker, handler)
    cannot = SubscriberProbe("timelines", Publisher(NOWHERE))
    retrier = waiting.Retrier(handler.subscriber, cannot, timezone.now)
    for _ in range(2):
        WaitingEvent.objects.update(due_at=timezone.now() - timedelta(days=1))
        assert retrier()
    assert WaitingEvent.objects.get().attempts == 1


def test_an_event_whose_statement_is_too_slow_delays_others_only_briefly(broker):
    calls = []

    def handler(events) -> None:
        for event in events:
            if event.data.post_id == 2:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(60)")
        calls.extend(event.data.post_id for event in events)

    subscriber = Subscriber("timelines", QUEUE, {"post.created": handler}, target_seconds=1)
    for post_id in (1, 2, 3):
        put(broker, QUEUE, post_created(post_id))
    work_off(subscriber, 3)
    assert calls == [1, 3]
    assert "statement timeout" in WaitingEvent.objects.get().reason


def test_a_read_only_database_makes_no_dead_letters(broker):
    class ReadOnly(Exception):
        pgcode = "25006"

    def handler(events) -> None:
        raise InternalError("cannot execute INSERT in a read-only transaction") from ReadOnly()

    put(broker, QUEUE, post_created(1))
    work_off(Subscriber("timelines", QUEUE, {"post.created": handler}), 1)
    assert not DeadLetter.objects.exists()
    assert WaitingEvent.objects.count() == 1


def test_a_redelivered_event_is_set_aside_once_and_another_event_with_its_id_is_a_letter(broker):
    handler = Recording({2: NOT_VISIBLE, 9: NOT_VISIBLE})
    body = post_created(2, event_id="evt_same")
    for again in (body, body, post_created(9, event_id="evt_same")):
        put(broker, QUEUE, again)
        work_off(handler.subscriber, 1)
    assert bytes(WaitingEvent.objects.get().body) == body
    assert DeadLetter.objects.get().exception_type == "EventIdReusedError"


def test_a_waiting_event_that_had_its_effect_meanwhile_is_removed(broker):
    handler = Recording({2: NOT_VISIBLE})
    body = post_created(2)
    put(broker, QUEUE, body)
    work_off(handler.subscriber, 1)
    handler.failures.clear()
    put(broker, QUEUE, body)
    work_off(handler.subscriber, 1)
    retry(handler.subscriber)
    assert handled(handler) == [2]
    assert not WaitingEvent.objects.exists()


def test_a_claimed_event_is_not_claimed_again_until_its_lease_is_over(broker):
    handler = Recording({2: NOT_VISIBLE})
    work_off_three(broker, handler)
    WaitingEvent.objects.update(due_at=timezone.now() + waiting.LEASE)
    publisher = Publisher(NOWHERE)
    retrier = waiting.Retrier(
        handler.subscriber, SubscriberProbe("timelines", publisher), timezone.now
    )
    assert not retrier()
