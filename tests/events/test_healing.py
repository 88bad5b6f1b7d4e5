import os

import pytest

from events import healing, relay
from events.models import DeadLetter, OutboxEvent
from events.publisher import Publisher
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
    """An event of post 5 that failed at the timelines."""
    handler = Recording({5: ValueError("broken")})
    put(broker, QUEUE, post_created(5, 7), type="post.created")
    work_off(handler.subscriber, 1)
    assert handler.calls == []
    return DeadLetter.objects.get()


def test_a_replay_has_its_effect_once_and_reaches_its_own_queue_alone(broker, publisher, letter):
    healed = Recording()
    assert healing.replay(healing.select({})) == 1
    relay.relay_batch(publisher)
    assert depth(broker, QUEUE) == 1
    assert [depth(broker, name) for name in OTHERS] == [0, 0]
    work_off(healed.subscriber, 1)
    assert healed.calls == [[5]]
    letter.refresh_from_db()
    assert letter.state == DeadLetter.State.REPLAYED


def test_replaying_what_has_succeeded_since_is_harmless(broker, publisher, letter):
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


def test_a_letter_is_replayed_once_however_often_it_is_asked_for(letter):
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
        "retries": 0,
        "eta": None,
        "x-connectify-replay": "yes",
    }


def test_discarding_closes_without_a_message(letter):
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
def test_letters_are_selected_by_what_the_admin_filters_by(letter, lookups, found):
    assert healing.select(lookups).count() == found


def test_a_selection_by_anything_else_is_refused():
    with pytest.raises(healing.UnknownLookupError, match="body"):
        healing.select({"body": b"x"})
