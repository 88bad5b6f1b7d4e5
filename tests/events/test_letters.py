import pytest

from events.models import DeadLetter
from tests.bus import depth, file_letters, put
from tests.waiting import until

pytestmark = pytest.mark.django_db


def put_dead(broker, body: bytes = b"{}", **headers):
    put(broker, "dead.letters", body, headers=headers, message_id="evt_1")


def test_a_letter_that_fails_again_updates_its_row(broker):
    reason = {"x-connectify-queue": "push.worker", "x-connectify-exception-type": "ValueError"}
    put_dead(broker, b"first", **reason)
    file_letters(1)
    DeadLetter.objects.update(state=DeadLetter.State.REPLAYED)
    put_dead(broker, b"second", **reason)
    file_letters(1)
    letter = DeadLetter.objects.get()
    assert (letter.attempts, letter.state) == (2, DeadLetter.State.OPEN)
    assert bytes(letter.body) == b"second"
    assert letter.last_failed_at > letter.first_failed_at


def test_the_same_message_dead_at_two_queues_is_two_letters(broker):
    for queue in ("push.worker", "timeline.worker"):
        put_dead(broker, **{"x-connectify-queue": queue})
    file_letters(2)
    assert DeadLetter.objects.count() == 2


def test_letters_without_an_id_are_told_apart_by_their_bodies(broker):
    for body in (b"one", b"one", b"\xff\x00two"):
        put(broker, "dead.letters", body, headers={"x-connectify-queue": "push.worker"})
    file_letters(3)
    assert DeadLetter.objects.count() == 2
    assert {bytes(letter.body) for letter in DeadLetter.objects.all()} == {b"one", b"\xff\x00two"}


def test_nul_characters_in_headers_do_no_harm(broker):
    put_dead(broker, **{"x-connectify-queue": "push.worker", "odd": "a\x00b"})
    file_letters(1)
    assert DeadLetter.objects.get().headers["odd"] == "ab"


def test_the_broker_says_where_a_rejected_message_comes_from(broker):
    channel = broker.channel()
    put(broker, "timeline.worker", b"rejected", message_id="evt_2")
    message = channel.basic_get("timeline.worker")
    channel.basic_reject(message.delivery_tag, requeue=False)
    file_letters(1)
    letter = DeadLetter.objects.get()
    assert letter.queue == "timeline.worker"
    assert letter.exception_message == "dead-lettered by the broker: rejected"
    assert depth(broker, "dead.letters") == 0


@pytest.mark.parametrize("odd", ["\ud800", {"a": "\ud800"}])
def test_a_letter_with_odd_headers_is_filed_all_the_same(broker, odd):
    put_dead(broker, b"first", **{"x-connectify-queue": "push.worker", "odd": odd})
    put_dead(broker, b"second", **{"x-connectify-queue": "timeline.worker"})
    file_letters(2)
    assert {bytes(letter.body) for letter in DeadLetter.objects.all()} == {b"first", b"second"}


def test_a_task_whose_time_is_over_is_no_letter(broker):
    put(broker, "operations.low", b"[[], {}, {}]", headers={"task": "t", "id": "1"}, expiration=0)
    until(lambda: depth(broker, "dead.letters") == 1)
    file_letters(1)
    assert not DeadLetter.objects.exists()


def test_an_event_whose_time_is_over_is_one(broker):
    put(broker, "timeline.worker", b"late", expiration=0)
    until(lambda: depth(broker, "dead.letters") == 1)
    file_letters(1)
    assert DeadLetter.objects.get().exception_message == "dead-lettered by the broker: expired"
