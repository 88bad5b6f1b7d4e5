"""The inbox: the ids of the events that have had their effect at a subscriber.

Guarantee: an event has its effect once; another event with the same id has none.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from events.envelope import Event
from events.errors import PermanentError
from events.models import InboxEntry

# In the order of ids, so that two consumers cannot deadlock. A second consumer that registers the
# same event waits for this transaction to end, and then finds the event in the inbox.
REGISTER = """
    INSERT INTO events_inboxentry (subscriber, event_id, body_hash, received_at)
    SELECT %s, event.id, event.hash, %s
    FROM unnest(%s::text[], %s::bytea[]) AS event (id, hash)
    ORDER BY event.id
    ON CONFLICT DO NOTHING
    RETURNING event_id
"""


class EventIdReusedError(PermanentError):
    """An earlier event had the same event_id and another body."""


def register(
    subscriber: str, events: Sequence[Event], *, now: datetime
) -> tuple[list[Event], list[Event]]:
    """Insert the events into the inbox, in the transaction of their effect; return (fresh, reused).

    A reused event has a known id and another body. A redelivered event is in neither list.
    """
    first: dict[str, Event] = {}
    for event in events:
        first.setdefault(event.event_id, event)
    with connection.cursor() as cursor:
        hashes = [event.body_hash for event in first.values()]
        cursor.execute(REGISTER, [subscriber, now, list(first), hashes])
        inserted = {row[0] for row in cursor}
    known = {event_id: first[event_id].body_hash for event_id in inserted}
    if earlier := first.keys() - inserted:
        entries = InboxEntry.objects.filter(subscriber=subscriber, event_id__in=earlier)
        for event_id, body_hash in entries.values_list("event_id", "body_hash"):
            known[event_id] = bytes(body_hash)
    fresh = [first[event_id] for event_id in first if event_id in inserted]
    reused = [event for event in events if known[event.event_id] != event.body_hash]
    return fresh, reused
