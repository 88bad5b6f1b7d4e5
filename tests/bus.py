"""Putting messages onto the tests' broker and working them off in the test's own thread."""

import json
import os
import time
import uuid

import msgspec
from django.utils import timezone
from kombu import Connection, Producer

from events import letters
from events.consumer import BatchConsumer
from events.parking import Parking
from events.processing import Processor
from events.publisher import Publisher
from events.registry import Subscriber
from events.stopping import Stop
from events.topology import DEAD_QUEUE, event_queue


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
    """Publish straight into one queue."""
    properties = {"content_type": "application/json", "content_encoding": "utf-8"} | properties
    Producer(broker.channel()).publish(
        body, exchange="", routing_key=queue, delivery_mode=2, **properties
    )


def depth(broker: Connection, queue: str) -> int:
    with broker.channel() as channel:
        return channel.queue_declare(queue, passive=True).message_count


def slices_in(broker, lane: str) -> list:
    """Those of the next task in the lane, which is taken out of it."""
    message = broker.channel().basic_get(lane, no_ack=True)
    return json.loads(message.body)[1]["slices"]


def work_off(subscriber: Subscriber, count: int, monotonic=time.monotonic) -> None:
    """Consume `count` messages of the subscriber's queue, as `manage.py consume` does."""
    publisher = Publisher(os.environ["BROKER_URL"])
    processor = Processor(subscriber, Parking(subscriber.queue, publisher), timezone.now, monotonic)
    _run(event_queue(subscriber.queue), subscriber.batch, processor, count)
    publisher.close()


def file_letters(count: int) -> None:
    """Consume `count` dead letters, as `manage.py consume dead_letters` does."""
    _run(DEAD_QUEUE, letters.BATCH, letters.LetterFiler(timezone.now), count)


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
