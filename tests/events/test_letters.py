import pytest

from events.models import DeadLetter
from tests.bus import depth, file_letters, put
from tests.waiting import until

pytestmark = pytest.mark.django_db


def put_dead(broker, body: bytes = b"{}", queue: str = "push.worker", **properties):
    """Do what the broker does when it dead-letters a message of a queue."""
    put(broker, f"{queue}.dead", body, exchange="connectify.dead", **properties)


def test_a_letter_that_fails_again_updates_its_row(broker):
    put_dead(broker, message_id="evt_1")
    file_letters(1)
    DeadLetter.objects.update(state=DeadLetter.State.REPLAYED)
    put_dead(broker, message_id="evt_1")
    file_letters(1)
    letter = DeadLetter.objects.get()
    assert (letter.attempts, letter.state) == (2, DeadLetter.State.OPEN)
    assert letter.last_failed_at > letter.first_failed_at


def test_two_messages_under_one_id_are_two_letters_each_with_its_body(broker):
    for body in (b"first", b"second"):
        put_dead(broker, body, message_id="evt_1")
    file_letters(2)
    assert {bytes(letter.body) for letter in DeadLetter.objects.all()} == {b"first", b"second"}
    assert set(DeadLetter.objects.values_list("attempts", flat=True)) == {1}


def test_the_same_message_dead_lettered_by_two_queues_is_two_letters(broker):
    for queue in ("push.worker", "timeline.worker"):
        put_dead(broker, queue=queue, message_id="evt_1")
    file_letters(2)
    assert set(DeadLetter.objects.values_list("queue", flat=True)) == {
        "push.worker",
        "timeline.worker",
    }


def test_letters_without_an_id_are_distinguished_by_their_bodies(broker):
    for body in (b"one", b"one", b"\xff\x00two"):
        put_dead(broker, body)
    file_letters(3)
    assert DeadLetter.objects.count() == 2
    assert {bytes(letter.body) for letter in DeadLetter.objects.all()} == {b"one", b"\xff\x00two"}


def test_nul_characters_in_headers_do_no_harm(broker):
    put_dead(broker, headers={"odd": "a\x00b"})
    file_letters(1)
    assert DeadLetter.objects.get().headers["odd"] == "a\N{REPLACEMENT CHARACTER}b"


def test_the_queue_of_a_rejected_message_is_taken_from_the_broker(broker):
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
def test_a_letter_with_malformed_headers_is_filed_all_the_same(broker, odd):
    put_dead(broker, b"first", headers={"odd": odd})
    put_dead(broker, b"second")
    file_letters(2)
    assert {bytes(letter.body) for letter in DeadLetter.objects.all()} == {b"first", b"second"}


def test_an_expired_task_is_not_filed_as_a_letter(broker):
    put(broker, "operations.low", b"[[], {}, {}]", headers={"task": "t", "id": "1"}, expiration=0)
    until(lambda: depth(broker, "dead.letters") == 1)
    file_letters(1)
    assert not DeadLetter.objects.exists()


def test_an_expired_event_is_filed_as_a_letter(broker):
    put(broker, "timeline.worker", b"late", expiration=0)
    until(lambda: depth(broker, "dead.letters") == 1)
    file_letters(1)
    assert DeadLetter.objects.get().exception_message == "dead-lettered by the broker: expired"
