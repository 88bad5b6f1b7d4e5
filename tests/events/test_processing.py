import pytest

from events.models import DeadLetter, InboxEntry
from events.registry import Subscriber
from tests.bus import depth, post_created, put, work_off

pytestmark = pytest.mark.django_db
QUEUE = "timeline.worker"


class Recording:
    """A handler that records the post ids of each call, and raises the given errors for some."""

    def __init__(self, failures: dict[int, Exception] | None = None, times: int = 1000):
        self.calls: list[list[int]] = []
        self.failures = failures or {}
        self.times = times

    def __call__(self, events) -> None:
        post_ids = [event.data.post_id for event in events]
        for post_id in post_ids:
            if post_id in self.failures and self.times > 0:
                self.times -= 1
                raise self.failures[post_id]
        self.calls.append(post_ids)

    @property
    def subscriber(self) -> Subscriber:
        return Subscriber("timelines", QUEUE, {"post.created": self})


def test_waiting_events_are_handled_as_one_list(broker):
    handler = Recording()
    for post_id in (1, 2, 3):
        put(broker, QUEUE, post_created(post_id))
    work_off(handler.subscriber, 3)
    assert handler.calls == [[1, 2, 3]]
    assert depth(broker, QUEUE) == 0


def test_a_redelivered_event_has_its_effect_once(broker):
    handler = Recording()
    body = post_created(7)
    put(broker, QUEUE, body)
    work_off(handler.subscriber, 1)
    put(broker, QUEUE, body)
    put(broker, QUEUE, body)
    work_off(handler.subscriber, 2)
    assert handler.calls == [[7]]
    assert InboxEntry.objects.count() == 1
    assert depth(broker, "dead.letters") == 0


def test_the_same_event_twice_in_a_batch_has_its_effect_once(broker):
    handler = Recording()
    body = post_created(7)
    put(broker, QUEUE, body)
    put(broker, QUEUE, body)
    work_off(handler.subscriber, 2)
    assert handler.calls == [[7]]


@pytest.mark.parametrize("together", [True, False])
def test_the_same_id_with_another_body_is_a_dead_letter(broker, together):
    handler = Recording()
    put(broker, QUEUE, post_created(1, event_id="evt_same"))
    if not together:
        work_off(handler.subscriber, 1)
    put(broker, QUEUE, post_created(2, event_id="evt_same"))
    work_off(handler.subscriber, 2 if together else 1)
    assert handler.calls == [[1]]
    letter = DeadLetter.objects.get()
    assert letter.exception_type == "EventIdReusedError"
    assert b'"post_id":2' in bytes(letter.body)


def test_a_broken_message_is_a_dead_letter_with_the_reason_and_the_consumer_goes_on(broker):
    handler = Recording()
    put(broker, QUEUE, post_created(1))
    put(broker, QUEUE, b'{"event_id": "evt_broken"}', message_id="evt_broken")
    put(broker, QUEUE, post_created(2))
    work_off(handler.subscriber, 3)
    assert [post for call in handler.calls for post in call] == [1, 2]
    letter = DeadLetter.objects.get()
    assert (letter.queue, letter.message_id) == (QUEUE, "evt_broken")
    assert letter.exception_type == "EnvelopeError"
    assert "event_type" in letter.exception_message
    assert "Traceback" in letter.traceback
    assert bytes(letter.body) == b'{"event_id": "evt_broken"}'


def test_a_failing_event_does_not_fail_the_others(broker):
    handler = Recording({2: ValueError("cannot be worked off")})
    for post_id in (1, 2, 3):
        put(broker, QUEUE, post_created(post_id))
    work_off(handler.subscriber, 3)
    assert [post for call in handler.calls for post in call] == [1, 3]
    letter = DeadLetter.objects.get()
    assert (letter.exception_type, letter.exception_message) == (
        "ValueError",
        "cannot be worked off",
    )
    # A dead letter must have no inbox row, or its replay would have no effect.
    assert InboxEntry.objects.count() == 2


def test_an_event_type_that_the_subscriber_does_not_take_has_no_effect(broker):
    handler = Recording()
    subscriber = Subscriber("timelines", QUEUE, {"post.deleted": handler})
    put(broker, QUEUE, post_created(1))
    work_off(subscriber, 1)
    assert handler.calls == []
    assert not InboxEntry.objects.exists()
    assert depth(broker, QUEUE) == depth(broker, "dead.letters") == 0


def test_two_subscribers_each_have_their_own_effect(broker):
    timelines, pushes = Recording(), Recording()
    body = post_created(1)
    put(broker, QUEUE, body)
    put(broker, "push.worker", body)
    work_off(timelines.subscriber, 1)
    work_off(Subscriber("notifications", "push.worker", {"post.created": pushes}), 1)
    assert timelines.calls == pushes.calls == [[1]]


def test_an_effect_that_fails_leaves_no_inbox_row(broker):
    def handler(events):
        InboxEntry.objects.filter(event_id="never").update(event_id="x")
        raise ValueError

    put(broker, QUEUE, post_created(1))
    work_off(Subscriber("timelines", QUEUE, {"post.created": handler}), 1)
    assert not InboxEntry.objects.exists()
