"""Recording events in the transaction of what they tell about.

Guarantee: a change and its event are kept together or not at all; the broker is never asked.
Next on the way of a post: events/relay.py.
"""

import json
from collections.abc import Iterable
from datetime import datetime

import msgspec
from django.db import connection

from events.envelope import encode, new_event_id
from events.registry import event_types
from events.trace import event_headers

CHANNEL = "events_outbox"

# What RabbitMQ will be given, and a word to the relay, which hears it when the transaction commits;
# PostgreSQL folds equal words into one. Due by the database's clock, which the relay asks too: a
# wrong one on either machine must not hold a post back. The ORM takes a tenth of the CPU time of a
# request to say the same.
STORE = f"""
    INSERT INTO events_outboxevent (
        exchange, routing_key, properties, created_at, event_id, headers, body,
        due_at, attempts, last_error
    )
    SELECT %s, %s, jsonb_build_object('message_id', event_id, 'type', %s), %s,
           event_id, headers, body, statement_timestamp(), 0, ''
    FROM unnest(%s::text[], %s::jsonb[], %s::bytea[]) AS event (event_id, headers, body);
    NOTIFY {CHANNEL}
"""
# The number of the newest message, whoever recorded it.
RECORDED = "SELECT last_value FROM events_outboxevent_id_seq"
# By events_outbox_pending.
PENDING = """
    SELECT count(*) FROM (
        SELECT FROM events_outboxevent WHERE published_at IS NULL LIMIT %s
    ) AS pending
"""


class OutsideTransactionError(RuntimeError):
    """An event was recorded outside a transaction: it could outlive a change that was undone."""


def record(name: str, data: msgspec.Struct, *, now: datetime) -> None:
    """Record one event of the registered type `name`; `data` is an instance of its schema."""
    record_all(name, [data], now=now)


def record_all(name: str, batch: Iterable[msgspec.Struct], *, now: datetime) -> None:
    """Record several events of one type with one statement. Raises OutsideTransactionError."""
    if not connection.in_atomic_block:
        raise OutsideTransactionError(f"{name} recorded outside a transaction")
    ids, headers, bodies = [], [], []
    for data in batch:
        event_id = new_event_id(now)
        ids.append(event_id)
        headers.append(json.dumps(event_headers()))
        bodies.append(encode(event_id, name, now, data))
    with connection.cursor() as cursor:
        cursor.execute(STORE, [event_types[name].exchange, name, name, now, ids, headers, bodies])


class Length:
    """How many messages wait to be published. Counting a million takes a tenth of a second, so they
    are counted when first asked for, and then when so many were recorded that it could matter. What
    is in transactions that are open at a count is not in it."""

    def __init__(self) -> None:
        self._counted = 0
        self._recorded: int | None = None

    def exceeds(self, limit: int) -> bool:
        """Whether more than `limit` wait; counts no further than that."""
        with connection.cursor() as cursor:
            cursor.execute(RECORDED)
            (recorded,) = cursor.fetchone()
            if self._recorded is None or self._counted + recorded - self._recorded > limit:
                cursor.execute(PENDING, [limit + 1])
                (self._counted,), self._recorded = cursor.fetchone(), recorded
        return self._counted > limit
