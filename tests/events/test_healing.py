import os
from contextlib import contextmanager
from itertools import pairwise

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events import healing, relay
from events.models import DeadLetter, OutboxEvent
from events.publisher import Publisher
from tests.at_once import at_once
from tests.bus import depth, post_created, put, work_off
from tests.events.test_processing import Recording

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "timeline.worker"
OTHERS = ("push.worker", "analytics.worker")


@pytest.fixture
def publisher():
    publisher = Publisher(os.environ["BROKER_URL"])
    yield publisher
    publisher.close()


@pytest.fixture
def letter(broker) -> DeadLetter:
    """A letter about an event of post 5 that failed at the timelines subscriber."""
    handler = Recording({5: ValueError("broken")})
    put(broker, QUEUE, post_created(5, 7), type="post.created")
    work_off(handler.subscriber, 1)
    assert handler.calls == []
    return DeadLetter.objects.get()


def test_a_replay_has_its_effect_once_and_reaches_only_its_own_queue(broker, publisher, letter):
    healed = Recording()
    assert healing.replay(healing.select({})) == 1
    relay.relay_batch(publisher)
    assert depth(broker, QUEUE) == 1
    assert [depth(broker, name) for name in OTHERS] == [0, 0]
    work_off(healed.subscriber, 1)
    assert healed.calls == [[5]]
    letter.refresh_from_db()
    assert letter.state == DeadLetter.State.REPLAYED


def test_replaying_an_event_that_has_succeeded_since_is_harmless(broker, publisher, letter):
    healed = Recording()
    for _ in range(2):
        DeadLetter.objects.update(state=DeadLetter.State.OPEN)
        healing.replay(healing.select({}))
        relay.relay_batch(publisher)
        work_off(healed.subscriber, 1)
    assert healed.calls == [[5]]


def test_a_letter_that_fails_again_is_open_again(broker, publisher, letter):
    healing.replay(healing.select({}))
    relay.relay_batch(publisher)
    work_off(Recording({5: KeyError("still broken")}).subscriber, 1)
    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.exception_type) == ("open", 2, "KeyError")


def test_a_letter_is_replayed_once_however_often_a_replay_is_requested(letter):
    assert healing.replay(healing.select({})) == 1
    assert healing.replay(healing.select({"id__in": [letter.pk]})) == 0


def test_an_old_event_is_refused_but_its_replay_is_not(broker, publisher):
    body = post_created(5, timestamp="2020-01-15T10:30:00Z")
    healed = Recording()
    put(broker, QUEUE, body)
    work_off(healed.subscriber, 1)
    assert DeadLetter.objects.get().exception_type == "PermanentError"
    healing.replay(healing.select({}))
    relay.relay_batch(publisher)
    work_off(healed.subscriber, 1)
    assert healed.calls == [[5]]


def test_a_replay_is_paced_by_due_times(letter):
    DeadLetter.objects.bulk_create(
        DeadLetter(
            queue=QUEUE,
            message_id=f"evt_{n}",
            body=b"{}",
            first_failed_at=letter.first_failed_at,
            last_failed_at=letter.last_failed_at,
        )
        for n in range(99)
    )
    assert healing.replay(healing.select({}), rate=10) == 100
    due = list(OutboxEvent.objects.order_by("due_at").values_list("due_at", flat=True))
    assert (due[-1] - due[0]).total_seconds() == pytest.approx(9.9, abs=0.01)


def test_a_replayed_task_begins_with_all_its_retries(letter):
    DeadLetter.objects.update(
        headers={"task": "t", "id": "i", "retries": 8, "x-death": [{"queue": QUEUE}], "eta": None}
    )
    healing.replay(healing.select({}))
    assert OutboxEvent.objects.get().headers == {
        "task": "t",
        "id": "i",
        "x-connectify-replay": str(letter.pk),
    }


def test_discarding_closes_a_letter_and_sends_nothing(letter):
    assert healing.discard(healing.select({})) == 1
    assert not OutboxEvent.objects.exists()
    assert healing.replay(healing.select({})) == 0


@pytest.mark.parametrize(
    ("lookups", "found"),
    [
        ({}, 1),
        ({"queue": QUEUE}, 1),
        ({"queue": "push.worker"}, 0),
        ({"exception_type": "ValueError"}, 1),
        ({"subjects__contains": ["post_id:5"]}, 1),
        ({"subjects__contains": ["7"]}, 1),
        ({"subjects__contains": ["post_id:7"]}, 0),
        ({"event_type": "post.created"}, 1),
        ({"last_failed_at__lt": "2020-01-01T00:00:00Z"}, 0),
    ],
)
def test_letters_are_selected_by_the_filters_of_the_admin(letter, lookups, found):
    assert healing.select(lookups).count() == found


def test_a_selection_by_anything_else_is_refused():
    with pytest.raises(healing.UnknownLookupError, match="body"):
        healing.select({"body": b"x"})


@pytest.fixture
def many(letter) -> int:
    """Two full batches of letters and one more."""
    DeadLetter.objects.bulk_create(
        DeadLetter(
            queue=QUEUE,
            message_id=f"evt_{n}",
            body=b"{}",
            first_failed_at=letter.first_failed_at,
            last_failed_at=letter.last_failed_at,
        )
        for n in range(2 * healing.BATCH)
    )
    return 2 * healing.BATCH + 1


def test_many_letters_are_replayed_in_batches_at_one_rate(many):
    assert healing.replay(healing.select({}), rate=1_000) == many
    due = list(OutboxEvent.objects.order_by("id").values_list("due_at", flat=True))
    assert len(due) == many
    steps = {round((b - a).total_seconds(), 4) for a, b in pairwise(due)}
    assert steps == {0.001}


@contextmanager
def interrupted(batches: int):
    """The connection to the database fails after so many batches."""
    begun = 0

    def count(execute, sql, params, many, context):
        nonlocal begun
        begun += "FOR UPDATE SKIP LOCKED" in sql
        if begun > batches:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count), pytest.raises(OperationalError, match="gone"):
        yield


def test_an_interrupted_replay_continues_where_it_stopped(many):
    with interrupted(batches=1):
        healing.replay(healing.select({}), rate=10_000)
    assert OutboxEvent.objects.count() == healing.BATCH
    assert healing.replay(healing.select({}), rate=10_000) == many - healing.BATCH
    assert OutboxEvent.objects.values("event_id").distinct().count() == many
    assert OutboxEvent.objects.count() == many


def test_an_interrupted_discard_continues_where_it_stopped(many):
    with interrupted(batches=1):
        healing.discard(healing.select({}))
    assert DeadLetter.objects.filter(state=DeadLetter.State.DISCARDED).count() == healing.BATCH
    assert healing.discard(healing.select({})) == many - healing.BATCH


def test_two_operators_replay_each_letter_once(many):
    counts = at_once(lambda: healing.replay(healing.select({}), rate=10_000), 2)
    assert sum(counts) == OutboxEvent.objects.count() == many


def test_a_letter_that_fails_again_meanwhile_is_not_replayed_endlessly(letter, many):
    def fail_again(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if "events_deadletter letter" in sql:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE events_deadletter SET state = 'open'")
        return answer

    with connection.execute_wrapper(fail_again):
        assert healing.replay(healing.select({}), rate=10_000) == many


def test_large_letters_are_replayed_a_few_at_a_time(letter):
    body = b"x" * (healing.BATCH_BYTES // 4)
    DeadLetter.objects.bulk_create(
        DeadLetter(
            queue=QUEUE,
            message_id=f"evt_{n}",
            body=body,
            first_failed_at=letter.first_failed_at,
            last_failed_at=letter.last_failed_at,
        )
        for n in range(9)
    )
    with CaptureQueriesContext(connection) as queries:
        assert healing.replay(healing.select({})) == 10
    assert sum("INSERT INTO events_outboxevent" in query["sql"] for query in queries) == 3


@pytest.mark.parametrize("rate", [0, -1, 1e-300, 0.05, 1e300, float("nan"), float("inf")])
def test_a_rate_out_of_bounds_is_refused(letter, rate):
    with pytest.raises(healing.RateError, match=r"from 0\.1 to 10,000 letters a second"):
        healing.replay(healing.select({}), rate=rate)
    assert healing.select({}).count() == 1


def test_an_unsettled_replay_is_shown_and_may_be_replayed_again(publisher, letter):
    healing.replay(healing.select({}))
    DeadLetter.objects.update(replayed_at=timezone.now() - healing.UNSETTLED_AFTER)
    assert healing.unsettled().count() == 0  # Its message has not left the outbox.
    relay.relay_batch(publisher)
    lost = {"state__exact": "replayed"}
    assert healing.select({}).count() == 0
    assert healing.select(lost).get() == letter
    assert healing.replay(healing.select(lost)) == 1
    # A second replay sends it once: its replay is recent again.
    relay.relay_batch(publisher)
    assert healing.replay(healing.select(lost)) == 0
    letter.refresh_from_db()
    healing.settle(str(letter.pk))
    DeadLetter.objects.update(replayed_at=timezone.now() - healing.UNSETTLED_AFTER)
    OutboxEvent.objects.all().delete()
    assert healing.unsettled().count() == 0


def test_a_letter_with_a_long_id_keeps_it(letter):
    DeadLetter.objects.update(message_id="x" * 255)
    healing.replay(healing.select({}))
    assert OutboxEvent.objects.get().event_id == "x" * 255
