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


def is_longer_than(count: int) -> bool:
    """Whether more than `count` messages wait to be published; counts no further than that."""
    return OutboxEvent.objects.filter(published_at=None)[count : count + 1].exists()
