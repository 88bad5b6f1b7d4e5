"""Events that were published but never reached a subscriber are sent to its queue alone.

`mandatory` notices only that an exchange has no queue at all: where one of several queues was
unbound or deleted, or the broker was wiped, that subscriber lost events that the others got.

Guarantee: an event that a subscriber takes ends, once its queue has been empty after the event was
published, in its inbox or in its dead letters, or is sent to it again.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction

from events import links
from events.conf import setting
from events.models import Reconciliation
from events.outbox import CHANNEL
from events.registry import Subscriber, event_types, subscribers
from events.topology import declare

# A batch that a consumer holds counts as empty at the broker. Sending it again is harmless, since
# the inbox knows it; this only keeps that rare.
GRACE = timedelta(seconds=60)

log = structlog.get_logger(__name__)

# What was published through one of the subscriber's exchanges, or to its queue alone, since the
# last look: by events_outbox_published. Then by the keys of inbox and letters.
RESEND = """
    INSERT INTO events_outboxevent (
        event_id, exchange, routing_key, headers, properties, body,
        created_at, due_at, attempts, last_error
    )
    SELECT DISTINCT ON (event.event_id)
           event.event_id, '', %(queue)s, event.headers, event.properties, event.body,
           event.created_at, statement_timestamp(), 0, ''
    FROM events_outboxevent event
    WHERE event.published_at > %(since)s AND event.published_at <= %(until)s
          AND (event.exchange <> '' AND event.routing_key = ANY(%(types)s)
               OR event.exchange = '' AND event.routing_key = %(queue)s)
          AND NOT EXISTS (
              SELECT FROM events_inboxentry
              WHERE subscriber = %(subscriber)s AND event_id = event.event_id
          )
          AND NOT EXISTS (
              SELECT FROM events_deadletter
              WHERE queue = %(queue)s AND message_id = event.event_id
          )
    RETURNING event_id
"""


def reconcile_all() -> int:
    """Look at every subscriber; returns how many events were sent again."""
    depths = queue_depths(settings.BROKER_URL)
    return sum(reconcile(each, depths[each.queue] == 0) for each in subscribers.values())


def queue_depths(broker_url: str) -> dict[str, int]:
    """Messages that wait in each subscriber's queue; a queue that was deleted is made again, and
    one that was unbound is bound, so that nothing more is lost."""
    with links.connect(broker_url) as broker:
        declare(broker)
        with broker.channel() as channel:
            return {
                each.queue: channel.queue_declare(each.queue, passive=True).message_count
                for each in subscribers.values()
            }


@transaction.atomic
def reconcile(subscriber: Subscriber, empty: bool) -> int:
    """Send again what the subscriber's queue, when it was last empty, should have delivered.

    `empty`: whether its queue is empty now. Returns how many events were sent again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        state, _ = Reconciliation.objects.get_or_create(
            subscriber=subscriber.name,
            defaults={"complete_until": now - setting("EVENTS_KEEP_INBOX")},
        )
        until = (state.empty_at or state.complete_until) - GRACE
        missing = []
        if until > state.complete_until:
            cursor.execute(
                RESEND,
                {
                    "queue": subscriber.queue,
                    "subscriber": subscriber.name,
                    "since": state.complete_until,
                    "until": until,
                    "types": [name for name in subscriber.handlers if name in event_types],
                },
            )
            missing = [row[0] for row in cursor]
            state.complete_until = until
        if empty:
            state.empty_at = now
        state.save()
        if missing:
            cursor.execute(f"NOTIFY {CHANNEL}")
            log.error(
                "events never reached a subscriber and are sent again",
                subscriber=subscriber.name,
                count=len(missing),
                first=missing[0],
            )
    return len(missing)
