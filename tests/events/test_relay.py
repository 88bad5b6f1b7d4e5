import os
import socket
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events import healing, relay, topology, unroutable
from events.models import DeadLetter, OutboxEvent
from events.publisher import Outgoing, Publisher
from events.registry import decode_event, subscribers
from social import posts
from social.models import Post
from tests.api import client_of

pytestmark = pytest.mark.django_db(transaction=True)
QUEUES = [each.queue for each in subscribers.values() if "post.created" in each.handlers]


@pytest.fixture
def publisher():
    publisher = Publisher(os.environ["BROKER_URL"])
    yield publisher
    publisher.close()


def depths(broker) -> dict[str, int]:
    channel = broker.channel()
    return {name: channel.queue_declare(name, passive=True).message_count for name in QUEUES}


def test_one_message_per_post_enters_the_exchange_and_three_copies_leave_it(
    broker, publisher, alice, now
):
    for number in range(5):
        posts.publish(alice, f"post {number}", now=now)
    assert relay.relay_batch(publisher) == 5
    # The broker's counters: five messages in, one copy of each in every queue.
    assert depths(broker) == dict.fromkeys(QUEUES, 5)
    assert OutboxEvent.objects.filter(published_at=None).count() == 0


def test_a_published_message_has_the_envelope_and_its_properties(broker, publisher, post):
    relay.relay_batch(publisher)
    event = OutboxEvent.objects.get()
    channel = broker.channel()
    channel.auto_decode = False
    message = channel.basic_get("timeline.worker", no_ack=True)
    assert message.body == bytes(event.body)
    assert message.delivery_info["routing_key"] == "post.created"
    assert message.properties["message_id"] == event.event_id
    assert message.properties["type"] == "post.created"
    assert message.properties["delivery_mode"] == 2
    assert message.properties["content_type"] == "application/json"
    assert message.headers["traceparent"] == event.headers["traceparent"]


TEXTS = {
    "emoji": "🎉" * 5_000,
    "families": "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 714,
    "right to left": "שלום \u2067abc\u2069" * 500,
    "zero width": "x\u200b\u200d\ufeff\u2060" * 1_000,
    "line breaks": "\n\u2028\u2029x" * 1_000,
}


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS)
def test_a_long_text_of_any_kind_reaches_subscribers_as_it_was_sent(
    broker, publisher, alice, content
):
    answer = client_of(alice).post("/api/v1/posts/", {"content": content}, format="json")
    assert (answer.status_code, answer.json()["content"]) == (201, content)
    assert Post.objects.get().content == content
    relay.relay_batch(publisher)
    channel = broker.channel()
    channel.auto_decode = False
    message = channel.basic_get("timeline.worker", no_ack=True)
    assert decode_event(message.body, None).data.content == content


def test_two_relays_share_the_rows(broker, publisher, alice, now):
    for number in range(10):
        posts.publish(alice, f"post {number}", now=now)
    held, release = threading.Event(), threading.Event()

    class SlowPublisher:
        connected = True

        def publish_all(self, messages):
            held.set()
            release.wait(10)
            return [None] * len(messages)

    def other_relay():
        relay.relay_batch(SlowPublisher(), limit=4)
        connection.close()

    other = threading.Thread(target=other_relay)
    other.start()
    held.wait(10)
    # The other relay holds the four oldest rows; this one neither waits for them nor takes them.
    assert relay.relay_batch(publisher) == 6
    release.set()
    other.join(10)
    assert OutboxEvent.objects.filter(published_at=None).count() == 0


def test_without_a_broker_the_rows_stay_pending(post):
    with pytest.raises(ConnectionError):
        relay.relay_batch(Publisher("amqp://127.0.0.1:1//"))
    assert OutboxEvent.objects.get().published_at is None


def test_a_message_to_a_missing_exchange_does_not_delay_others(broker, publisher, alice, now):
    lost = posts.publish(alice, "to nowhere", now=now)
    OutboxEvent.objects.update(exchange="no.such.exchange")
    kept = posts.publish(alice, "to everybody", now=now)
    relay.relay_batch(publisher)
    pending = OutboxEvent.objects.get(published_at=None)
    assert f'"post_id":{lost.pk},' in bytes(pending.body).decode()
    assert pending.attempts == 1
    assert "no.such.exchange" in pending.last_error
    assert depths(broker) == dict.fromkeys(QUEUES, 1)
    assert kept.pk


def test_a_message_that_no_queue_takes_does_not_delay_others(broker, publisher, alice, now):
    broker.channel().exchange_declare("nobody.listens", type="fanout", auto_delete=False)
    for number in range(5):
        posts.publish(alice, f"post {number}", now=now)
    third = OutboxEvent.objects.order_by("id")[2]
    OutboxEvent.objects.filter(pk=third.pk).update(exchange="nobody.listens")
    relay.relay_batch(publisher)
    pending = OutboxEvent.objects.get(published_at=None)
    assert (pending.pk, pending.attempts) == (third.pk, 1)
    assert "NO_ROUTE" in pending.last_error
    assert depths(broker) == dict.fromkeys(QUEUES, 4)
    relay.relay_batch(publisher)
    assert depths(broker) == dict.fromkeys(QUEUES, 4)
    broker.channel().exchange_delete("nobody.listens")


def test_a_failure_within_a_batch_marks_the_confirmed_rows(alice, now):
    for number in range(3):
        posts.publish(alice, f"post {number}", now=now)

    class FailsAtThird:
        connected = True

        def publish_all(self, messages):
            yield from (None, None)
            raise ConnectionResetError("the broker went away")

    with pytest.raises(ConnectionResetError):
        relay.relay_batch(FailsAtThird())
    assert OutboxEvent.objects.filter(published_at=None).count() == 1


def test_a_connection_that_the_broker_has_closed_is_replaced(broker, publisher, alice, now):
    posts.publish(alice, "before", now=now)
    relay.relay_batch(publisher)
    publisher._channel.connection.transport.sock.shutdown(socket.SHUT_RD)
    posts.publish(alice, "after", now=now)
    with pytest.raises(ConnectionError):
        relay.relay_batch(publisher)
    relay.relay_batch(publisher)
    assert OutboxEvent.objects.filter(published_at=None).count() == 0


def test_with_nothing_to_publish_the_broker_is_not_contacted():
    assert relay.relay_batch(Publisher("amqp://127.0.0.1:1//")) == 0


def test_a_new_event_wakes_the_listener(alice, now):
    listener = relay.Listener()
    reading, writing = os.pipe()
    listener.wait(0, reading)
    posts.publish(alice, "wake up", now=now)
    woken = threading.Thread(target=lambda: listener.wait(30, reading))
    woken.start()
    woken.join(5)
    assert not woken.is_alive()
    listener.close()
    os.close(reading)
    os.close(writing)


@pytest.fixture
def stranded(broker, publisher, now) -> DeadLetter:
    """The replay of a letter whose queue does not exist."""
    letter = DeadLetter.objects.create(
        queue="timelines.gone",
        message_id="a-task",
        body=b"{}",
        first_failed_at=now,
        last_failed_at=now,
    )
    healing.replay(healing.select({}))
    relay.relay_batch(publisher)
    return letter


def test_a_message_that_no_queue_takes_is_shown_with_its_reason(stranded):
    (found,) = unroutable.unroutable()
    assert (found.exchange, found.routing_key, found.count) == ("", "timelines.gone", 1)
    assert "NO_ROUTE" in found.reason
    assert "1 messages for queue timelines.gone cannot be routed" in str(found)


def attempt(publisher, times: int) -> None:
    OutboxEvent.objects.update(attempts=times - 1, due_at=timezone.now())
    relay.relay_batch(publisher)


def test_a_replay_that_no_queue_takes_for_ten_minutes_opens_its_letter(publisher, stranded):
    attempt(publisher, unroutable.LIMIT - 1)
    assert OutboxEvent.objects.get().attempts == unroutable.LIMIT - 1
    assert healing.select({}).count() == 0
    attempt(publisher, unroutable.LIMIT)
    assert not OutboxEvent.objects.exists()
    letter = healing.select({}).get()
    assert (letter.pk, letter.exception_type) == (stranded.pk, "UnroutableError")
    assert "NO_ROUTE" in letter.exception_message
    assert timedelta(minutes=10) == unroutable.LIMIT * unroutable.BACKOFF


def test_an_event_that_no_queue_takes_is_never_given_up(broker, publisher, alice, now):
    # The publisher declares the bindings when it connects.
    publisher.publish(Outgoing(b"{}", "", QUEUES[0], {}, {}))
    with broker.channel() as channel:
        for name in QUEUES:
            channel.queue_unbind(name, "posts.fanout")
    posts.publish(alice, "hi", now=now)
    relay.relay_batch(publisher)
    attempt(publisher, 10 * unroutable.LIMIT)
    (found,) = unroutable.unroutable()
    assert (found.exchange, found.routing_key) == ("posts.fanout", "post.created")
    topology.declare(broker)
    OutboxEvent.objects.update(due_at=timezone.now())
    relay.relay_batch(publisher)
    assert unroutable.unroutable() == []
    assert OutboxEvent.objects.get().published_at
