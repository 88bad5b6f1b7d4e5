"""Resending events that were published but never reached a subscriber, to its queue alone.

Publishing with `mandatory` fails only if an exchange has no queue at all. If one of several queues
was unbound or deleted, or the broker lost its data, that subscriber misses events that the others
got.

Guarantee: once a subscriber's queue has been empty after an event was published, the event is in
the subscriber's inbox, is set aside, is a dead letter, or is sent again. The same holds for the
replay of a dead letter while the outbox still keeps its event.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from events import links
from events.introduction import introduce
from events.models import Reconciliation
from events.outbox import CHANNEL, INSERT
from events.registry import Subscriber, event_types, subscribers
from events.topology import declare

# The broker counts a queue as empty while a consumer holds its last batch. Resending that batch is
# harmless, thanks to the inbox; this delay only makes it rare.
GRACE = timedelta(seconds=60)
# Events that one transaction examines, in some tens of milliseconds.
BATCH = 1_000
# The most events that one run resends to a subscriber. The relay publishes them in a few seconds,
# so that new posts do not wait long behind them.
RESEND_LIMIT = 10_000

log = structlog.get_logger(__name__)

# The end of the next batch. A batch includes its last moment entirely, since a relay marks many
# events with the same moment. Uses the index events_outbox_published.
BATCH_END = """
    SELECT max(published_at), count(*) FROM (
        SELECT published_at FROM events_outboxevent
        WHERE published_at > %(since)s AND published_at <= %(until)s
        ORDER BY published_at LIMIT %(batch)s
    ) AS batch
"""
# Resends the events of a batch that went to one of the subscriber's exchanges or to its queue
# alone, and that have left no trace there. Uses the index events_outbox_published, then the keys of
# inbox and letters and the index events_outbox_event. The subselects keep the planner from hashing
# the whole inbox.
# A dead letter is a trace unless it was replayed: then its replay must have left a trace too. A
# replayed letter still counts if our outbox does not have the original event: its message id may
# then differ from its event id, so that the inbox cannot be searched for it.
# `coming` avoids "published_at IS NULL", with which the planner may choose events_outbox_pending:
# with statistics from before a long replay it would read all pending rows once per event.
RESEND = f"""
    {INSERT}
    SELECT DISTINCT ON (event.event_id)
           event.event_id, '', %(queue)s, event.headers, event.properties, event.body,
           event.created_at, statement_timestamp(), 0, ''
    FROM events_outboxevent event
    WHERE event.published_at > %(since)s AND event.published_at <= %(until)s
          AND (event.exchange <> '' AND event.routing_key = ANY(%(types)s)
               OR event.exchange = '' AND event.routing_key = %(queue)s)
          AND (SELECT true FROM events_inboxentry
               WHERE subscriber = %(subscriber)s AND event_id = event.event_id) IS NULL
          AND (SELECT true FROM events_deadletter letter
               WHERE letter.queue = %(queue)s AND letter.message_id = event.event_id
                     AND letter.body_hash = sha256(event.body)
                     AND (letter.state <> 'replayed' OR (
                         SELECT true FROM events_outboxevent original
                         WHERE original.event_id = event.event_id AND original.exchange <> ''
                         LIMIT 1
                     ) IS NULL)) IS NULL
          AND (SELECT true FROM events_waitingevent
               WHERE subscriber = %(subscriber)s AND event_id = event.event_id) IS NULL
          AND (SELECT true FROM events_outboxevent coming
               WHERE coming.event_id = event.event_id
                     AND coalesce(coming.published_at, 'infinity') = 'infinity'
                     AND coming.exchange = '' AND coming.routing_key = %(queue)s
               LIMIT 1) IS NULL
    ORDER BY event.event_id, event.id DESC
    RETURNING event_id
"""
# Marks the replayed letters of the batch that have had their effect. Uses the same indexes.
SETTLE = """
    UPDATE events_deadletter letter SET healed_at = statement_timestamp()
    FROM events_outboxevent event
    WHERE event.published_at > %(since)s AND event.published_at <= %(until)s
          AND event.exchange = '' AND event.routing_key = %(queue)s
          AND letter.queue = %(queue)s AND letter.message_id = event.event_id
          AND letter.state = 'replayed' AND letter.healed_at IS NULL
          AND (SELECT true FROM events_inboxentry
               WHERE subscriber = %(subscriber)s AND event_id = event.event_id)
"""


def reconcile_all() -> int:
    """Reconcile every subscriber; return the number of events that were sent again.

    An error at one subscriber does not stop the others. The first error is raised at the end.
    """
    introduce()
    with connection.cursor() as cursor:
        # Read the time before the queues: what was published until then is in them by now.
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    empty = empty_queues(settings.BROKER_URL)
    sent, failures = 0, []
    for each in subscribers.values():
        try:
            sent += reconcile(each, now if each.queue in empty else None)
        except Exception as error:
            log.exception("a subscriber cannot be reconciled", subscriber=each.name)
            failures.append(error)
    if failures:
        raise failures[0]
    return sent


def empty_queues(broker_url: str) -> set[str]:
    """Return the subscribers' queues that are known to be empty. First declare and bind all queues,
    in case one was deleted or unbound, so that no more events are lost.

    A quorum queue without a leader reports 0 messages and 0 consumers, whatever it holds. So a
    queue counts as empty only if it has a consumer.
    """
    with links.connect(broker_url) as broker:
        declare(broker)
        with links.open_channel(broker) as channel:
            queues = [each.queue for each in subscribers.values()]
            counts = {queue: links.counts(channel, queue) for queue in queues}
    return {queue for queue, (messages, consumers) in counts.items() if consumers and not messages}


def reconcile(
    subscriber: Subscriber, empty_at: datetime | None, *, limit: int = RESEND_LIMIT
) -> int:
    """Resend the events that the subscriber's queue should have delivered until it was last empty.

    `empty_at`: the time, by the database's clock, just before its queue was found empty; None if it
    was not empty. Returns the number of events sent again. Stops after about `limit` events; the
    next run continues from there.
    """
    state = Reconciliation.objects.get(subscriber=subscriber.name)
    until = (state.empty_at or state.complete_until) - GRACE
    sent, more = 0, state.complete_until < until
    while more and sent < limit:
        missing, more = _reconcile_batch(subscriber, until)
        sent += missing
    if empty_at:
        Reconciliation.objects.filter(subscriber=subscriber.name).update(empty_at=empty_at)
    return sent


@transaction.atomic
def _reconcile_batch(subscriber: Subscriber, until: datetime) -> tuple[int, bool]:
    """Reconcile the next batch. Return the number of events sent again, and whether there is
    another batch."""
    state = Reconciliation.objects.select_for_update().get(subscriber=subscriber.name)
    window: dict[str, Any] = {"since": state.complete_until, "until": until, "batch": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(BATCH_END, window)
        end, count = cursor.fetchone()
        more = count == BATCH
        window |= {
            "until": end if more else until,
            "queue": subscriber.queue,
            "subscriber": subscriber.name,
            "types": [name for name in subscriber.handlers if name in event_types],
        }
        missing: list[str] = []
        if count:
            cursor.execute(SETTLE, window)
            cursor.execute(RESEND, window)
            missing = [row[0] for row in cursor]
        if missing:
            cursor.execute(f"NOTIFY {CHANNEL}")
            log.error(
                "events never reached a subscriber and are sent again",
                subscriber=subscriber.name,
                count=len(missing),
                first=missing[0],
            )
    state.complete_until = max(state.complete_until, window["until"])
    state.save(update_fields=["complete_until"])
    return len(missing), more
