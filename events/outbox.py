"""Recording events in the transaction of what they tell about.

Guarantee: a change and its event are kept together or not at all; the broker is never asked.
Next on the way of a post: events/relay.py.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from django.db import connection
from django.db.models.functions import Now

from events.envelope import encode, new_event_id
from events.models import OutboxEvent
from events.registry import event_types
from events.trace import event_headers

CHANNEL = "events_outbox"

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


def record(name: str, data: msgspec.Struct, *, now: datetime) -> OutboxEvent:
    """Record one event of the registered type `name`; `data` is an instance of its schema."""
    return record_all(name, [data], now=now)[0]


def record_all(name: str, batch: Iterable[msgspec.Struct], *, now: datetime) -> list[OutboxEvent]:
    """Record several events of one type with one statement. Raises OutsideTransactionError."""
    if not connection.in_atomic_block:
        raise OutsideTransactionError(f"{name} recorded outside a transaction")
    event_type = event_types[name]
    rows = []
    for data in batch:
        event_id = new_event_id(now)
        rows.append(
            OutboxEvent(
                event_id=event_id,
                exchange=event_type.exchange,
                routing_key=name,
                headers=event_headers(),
                properties={"message_id": event_id, "type": name},
                body=encode(event_id, name, now, data),
                created_at=now,
                # The database's clock, which the relay asks too: a wrong one on either machine
                # must not hold a post back.
                due_at=Now(),
            )
        )
    send(rows)
    return rows


def send(rows: list[OutboxEvent]) -> None:
    """Store the rows and wake the relay when the transaction commits."""
    OutboxEvent.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        # PostgreSQL folds equal notifications of a transaction into one, sent at commit.
        cursor.execute(f"NOTIFY {CHANNEL}")


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
