"""Record events.

Guarantee: an event is recorded once. Both the inbox and the primary key ensure it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import connection

from analytics import days
from events.envelope import Event

RECORD = """
    INSERT INTO analytics_eventrecord (event_id, event_type, occurred_at, data, counted)
    SELECT *, false FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::jsonb[])
        AS event (id, type, occurred_at, data)
    ORDER BY id
    ON CONFLICT DO NOTHING
"""


def record(events: Iterable[Event], *, now: datetime) -> int:
    """Record the events with one statement; returns how many were new.

    An event with a time in the future, from a wrong clock, is recorded with the time `now`.
    """
    given = {event.event_id: event for event in events}
    times = [min(event.timestamp, now).astimezone(UTC) for event in given.values()]
    days.ensure(time.date() for time in times)
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD,
            [
                list(given),
                [event.event_type for event in given.values()],
                times,
                [msgspec.json.encode(describe(event)).decode() for event in given.values()],
            ],
        )
        recorded: int = cursor.rowcount
        return recorded


def describe(event: Event) -> dict[str, Any]:
    """The event's data without a post's text."""
    data: dict[str, Any] = msgspec.to_builtins(event.data)
    data.pop("content", None)
    return data
