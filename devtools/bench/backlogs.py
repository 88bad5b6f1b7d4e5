"""Puts very many events into the outbox and messages into a queue while nothing consumes them."""

import json
import os
from contextlib import closing

from amqp import Message
from kombu import Connection

from devtools.lab.environment import Environment

QUEUE = "timeline.worker"
BATCH = 200  # the size of one claim of the relay
# How many messages may be unconfirmed at a time.
CONFIRMED_TOGETHER = 1_000
PENDING = """
    INSERT INTO events_outboxevent
        (event_id, exchange, routing_key, headers, properties, body, created_at, due_at,
         attempts, last_error)
    SELECT 'evt_' || number, 'posts.fanout', 'post.created', '{}', '{}',
           convert_to(replace(%s, 'evt_0', 'evt_' || number), 'UTF8'), now(), now(), 0, ''
    FROM generate_series(1, %s) AS number
"""


def fill(environment: Environment, post: tuple[int, int], count: int) -> None:
    """Put `count` events about this (post id, author id) into the outbox and as many messages into
    the timelines' queue. Both hold nothing else afterwards."""
    environment.empty_queues()
    body = _body(*post)
    with closing(environment.connect()) as connection:
        _fill_outbox(connection, body, count)
    _fill_queue(environment, body, count)
    # Flush what the servers have written to disk now; otherwise measured posts would wait for it.
    os.sync()


def _body(post_id: int, author_id: int) -> str:
    return json.dumps(
        {
            "event_id": "evt_0",
            "event_type": "post.created",
            "timestamp": "2026-01-15T10:30:00Z",
            "data": {
                "post_id": post_id,
                "author_id": author_id,
                "content": "A post of a benchmark, about as long as people write them.",
                "created_at": "2026-01-15T10:30:00Z",
            },
        }
    )


def _fill_outbox(connection, body: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE events_outboxevent")
        cursor.execute(PENDING, [body, count])
        # Do the maintenance that so many writes cause now, not during the measurement.
        cursor.execute("VACUUM ANALYZE events_outboxevent")
        cursor.execute("CHECKPOINT")


def _fill_queue(environment: Environment, body: str, count: int) -> None:
    """Publish straight to the queue, with a confirm for each message."""
    unconfirmed: set[int] = set()

    def confirmed(tag: int, multiple: bool) -> None:
        done = {each for each in unconfirmed if each <= tag} if multiple else {tag}
        unconfirmed.difference_update(done)

    with Connection(environment.environ["BROKER_URL"]) as broker, broker.channel() as channel:
        channel.confirm_select()
        channel.events["basic_ack"].add(confirmed)
        for tag in range(1, count + 1):
            message = Message(
                body.replace("evt_0", f"evt_{tag}"),
                content_type="application/json",
                delivery_mode=2,
            )
            channel.basic_publish(message, exchange="", routing_key=QUEUE)
            unconfirmed.add(tag)
            while len(unconfirmed) >= CONFIRMED_TOGETHER:
                broker.drain_events(timeout=60)
        while unconfirmed:
            broker.drain_events(timeout=60)
