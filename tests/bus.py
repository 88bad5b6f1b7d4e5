"""Putting messages onto the tests' broker and working them off in the test's own thread."""

import json
import os
import uuid
from datetime import timedelta

import msgspec
from django.utils import timezone
from kombu import Connection, Producer

from events import filing
from events.consumer import BatchConsumer
from events.models import WaitingEvent
from events.probing import SubscriberProbe
from events.processing import Processor
from events.publisher import Publisher
from events.registry import Subscriber
from events.stopping import Stop
from events.topology import DEAD_QUEUE, event_queue
from events.waiting import Retrier


def post_created(post_id: int = 1, author_id: int = 1, **changes) -> bytes:
    """The body of a post.created event, keys of the envelope changed as given."""
    moment = timezone.now()
    data = {"post_id": post_id, "author_id": author_id, "content": "hi", "created_at": moment}
    envelope = {
        "event_id": f"evt_{uuid.uuid4().hex}",
        "event_type": "post.created",
        "timestamp": moment,
        "data": data,
    }
    return msgspec.json.encode(envelope | changes)


def put(broker: Connection, queue: str, body: bytes, **properties) -> None:
    """Publish straight into one queue, or with its name as routing key to an `exchange`."""
    usual = {"content_type": "application/json", "content_encoding": "utf-8", "exchange": ""}
    Producer(broker.channel()).publish(
        body, routing_key=queue, delivery_mode=2, **usual | properties
    )


def depth(broker: Connection, queue: str) -> int:
    with broker.channel() as channel:
        return channel.queue_declare(queue, passive=True).message_count


def slices_in(broker, lane: str) -> list:
    """Those of the next task in the lane, which is taken out of it."""
    message = broker.channel().basic_get(lane, no_ack=True)
    return json.loads(message.body)[1]["slices"]


def work_off(subscriber: Subscriber, count: int) -> None:
    """Consume `count` messages of the subscriber's queue, as `manage.py consume` does."""
    publisher = Publisher(os.environ["BROKER_URL"])
    probe = SubscriberProbe(subscriber.name, publisher)
    processor = Processor(subscriber, probe, timezone.now)
    _run(event_queue(subscriber.queue), subscriber.batch, processor, count)
    publisher.close()


def retry(subscriber: Subscriber) -> int:
    """Try each event that is set aside once, whenever it is due; returns how many there were."""
    publisher = Publisher(os.environ["BROKER_URL"])
    retrier = Retrier(subscriber, SubscriberProbe(subscriber.name, publisher), timezone.now)
    waiting = WaitingEvent.objects.filter(subscriber=subscriber.name)
    count = waiting.update(due_at=timezone.now() - timedelta(days=1))
    for _ in range(count):
        assert retrier()
    publisher.close()
    return count


def file_letters(count: int) -> None:
    """Consume `count` dead letters, as `manage.py consume dead_letters` does."""
    _run(DEAD_QUEUE, filing.BATCH, filing.LetterFiler(timezone.now), count)


def _run(queue, batch: int, handover, count: int) -> None:
    stop = Stop()
    handled = 0

    def counting(messages) -> None:
        nonlocal handled
        handover(messages)
        handled += len(messages)
        if handled >= count:
            stop.request()

    BatchConsumer(os.environ["BROKER_URL"], queue, batch, counting, stop).run()
