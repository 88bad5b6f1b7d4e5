"""Recording events in the transaction of the change that they report.

Guarantee: a change and its event are committed together or not at all. Recording does not use the
broker. Next on the way of a post: events/relay.py.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import connection

from events.envelope import encode, new_event_id
from events.registry import event_types
from events.trace import event_headers

CHANNEL = "events_outbox"

# Every statement that fills the outbox selects these columns, in this order.
INSERT = """
    INSERT INTO events_outboxevent (
        event_id, exchange, routing_key, headers, properties, body,
        created_at, due_at, attempts, last_error
    )
"""
# Inserts the messages and notifies the relay, which receives the notification when the transaction
# commits; PostgreSQL merges equal notifications. `due_at` comes from the database's clock, and the
# relay compares it with the same clock, so that a wrong clock on either machine delays no post.
# Written as SQL because the ORM would take a tenth of a request's CPU time for it.
STORE = f"""
    {INSERT}
    SELECT event_id, %(exchange)s, %(name)s, headers,
           jsonb_build_object('message_id', event_id, 'type', %(name)s), body,
           %(now)s, statement_timestamp(), 0, ''
    FROM unnest(%(ids)s::text[], %(headers)s::jsonb[], %(bodies)s::bytea[])
         AS event (event_id, headers, body);
    NOTIFY {CHANNEL}
"""
# The id of the newest message of any process, and the time.
RECORDED = "SELECT last_value, statement_timestamp() FROM events_outboxevent_id_seq"
# By routing key, for messages that are not published and due by a given time (by default now): how
# many are due now, how many in all, and for how many seconds the oldest has been due.
# Uses the index events_outbox_pending.
PENDING = """
    SELECT routing_key, count(*) FILTER (WHERE due), count(*),
           extract(epoch FROM statement_timestamp() - min(due_at))
    FROM (
        SELECT routing_key, due_at, due_at <= statement_timestamp() AS due
        FROM events_outboxevent
        WHERE published_at IS NULL AND due_at <= coalesce(%s, statement_timestamp())
        ORDER BY due_at LIMIT %s
    ) AS pending
    GROUP BY routing_key
"""
# Counting stops here: a larger number would tell an operator nothing more.
PENDING_LIMIT = 100_000


@dataclass(frozen=True)
class Pending:
    """Messages that should have been published by now: their number, up to a limit, and how long
    the oldest has been due. Messages of a paced replay count only once they are due."""

    count: int = 0
    oldest_seconds: float = 0.0


class OutsideTransactionError(RuntimeError):
    """An event was recorded outside a transaction: it would be sent even if its change failed."""


def record(name: str, data: msgspec.Struct, *, now: datetime) -> None:
    """Record one event of the registered type `name`; `data` is an instance of its schema."""
    record_all(name, [data], now=now)


def record_all(name: str, batch: Iterable[msgspec.Struct], *, now: datetime) -> None:
    """Record several events of one type in one statement. Raises OutsideTransactionError."""
    if not connection.in_atomic_block:
        raise OutsideTransactionError(f"{name} recorded outside a transaction")
    ids, headers, bodies = [], [], []
    for data in batch:
        event_id = new_event_id(now)
        ids.append(event_id)
        headers.append(json.dumps(event_headers()))
        bodies.append(encode(event_id, name, now, data))
    with connection.cursor() as cursor:
        cursor.execute(
            STORE,
            {
                "exchange": event_types[name].exchange,
                "name": name,
                "now": now,
                "ids": ids,
                "headers": headers,
                "bodies": bodies,
            },
        )


def pending(limit: int = PENDING_LIMIT) -> dict[str, Pending]:
    """Return what is due and not published, by routing key. For a replay that is the queue's name,
    otherwise the event type."""
    return {key: Pending(due, round(age, 3)) for key, due, _, age in _pending(None, limit)}


def total(pending: Iterable[Pending]) -> Pending:
    """Return the sum of the counts and the age of the oldest."""
    found = list(pending)
    oldest = max((each.oldest_seconds for each in found), default=0.0)
    return Pending(sum(each.count for each in found), oldest)


class Length:
    """The number of messages that are due and not published, compared with a limit. Counting a
    million takes some tenths of a second. So exceeds() counts at its first call, and later only
    when the limit could be exceeded: when the messages that waited at the last full count, due or
    not, and those recorded since together exceed it. Messages in transactions that are still open
    during a count are not included."""

    # The least time between two full counts. A count in between includes only messages that are
    # due, which are few during a paced replay.
    WHOLE = timedelta(minutes=1)

    def __init__(self) -> None:
        self._due = 0
        self._waited, self._recorded = 0, 0
        self._counted_at: datetime | None = None

    def exceeds(self, limit: int) -> bool:
        """Return True if more than `limit` messages are due; counts no further than that."""
        with connection.cursor() as cursor:
            cursor.execute(RECORDED)
            recorded, now = cursor.fetchone()
        counted = self._counted_at
        if counted is None or self._waited + recorded - self._recorded > limit:
            whole = counted is None or now >= counted + self.WHOLE
            found = _pending("infinity" if whole else None, limit + 1)
            self._due = sum(due for _, due, _, _ in found)
            if whole:
                self._waited = sum(waiting for _, _, waiting, _ in found)
                self._recorded, self._counted_at = recorded, now
        return self._due > limit


def _pending(until: str | None, limit: int) -> list[tuple[str, int, int, float]]:
    """Routing key, number due now, number in all, seconds since the oldest was due."""
    with connection.cursor() as cursor:
        cursor.execute(PENDING, [until, limit])
        return [(key, due, waiting, float(age)) for key, due, waiting, age in cursor]
