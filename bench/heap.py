"""A heap of events in the outbox and of messages in a queue, with nobody to take them away."""

import json

from amqp import Message
from kombu import Connection

from bench.house import House

QUEUE = "timeline.worker"
BATCH = 200  # what the relay claims at once
# As many messages as may be unconfirmed at a time.
CONFIRMED_TOGETHER = 1_000
BODY = json.dumps(
    {
        "event_id": "evt_of_a_heap",
        "event_type": "post.created",
        "timestamp": "2026-01-15T10:30:00Z",
        "data": {
            "post_id": 789,
            "author_id": 123,
            "content": "A post of a benchmark, about as long as people write them.",
            "created_at": "2026-01-15T10:30:00Z",
        },
    }
).encode()
PENDING = """
    INSERT INTO events_outboxevent
        (event_id, exchange, routing_key, headers, properties, body, created_at, due_at,
         attempts, last_error)
    SELECT 'evt_' || number, 'posts.fanout', 'post.created', '{}', '{}', %s, now(), now(), 0, ''
    FROM generate_series(1, %s) AS number
"""


def fill_outbox(connection, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PENDING, [BODY, count])
        # What writing so much leaves to be done is done now, and not while somebody measures.
        cursor.execute("VACUUM ANALYZE events_outboxevent")
        cursor.execute("CHECKPOINT")


def fill_queue(house: House, count: int) -> None:
    """Straight into the timelines' event queue; each message is confirmed."""
    message = Message(BODY, content_type="application/json", delivery_mode=2)
    unconfirmed: set[int] = set()

    def confirmed(tag: int, multiple: bool) -> None:
        done = {each for each in unconfirmed if each <= tag} if multiple else {tag}
        unconfirmed.difference_update(done)

    with Connection(house.environ["BROKER_URL"]) as broker, broker.channel() as channel:
        channel.confirm_select()
        channel.events["basic_ack"].add(confirmed)
        for tag in range(1, count + 1):
            channel.basic_publish(message, exchange="", routing_key=QUEUE)
            unconfirmed.add(tag)
            while len(unconfirmed) >= CONFIRMED_TOGETHER:
                broker.drain_events(timeout=60)
        while unconfirmed:
            broker.drain_events(timeout=60)
