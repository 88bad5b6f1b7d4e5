"""Events that were published but never reached a subscriber are sent to its queue alone.

`mandatory` notices only that an exchange has no queue at all: where one of several queues was
unbound or deleted, or the broker was wiped, that subscriber lost events that the others got.

Guarantee: once a subscriber's queue has been empty after an event was published, the event is in
its inbox, is set aside, is a dead letter, or is sent to it again. So is the replay of a letter
about an event that the outbox still keeps.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction

from events import links
from events.introduction import introduce
from events.models import Reconciliation
from events.outbox import CHANNEL, INSERT
from events.registry import Subscriber, event_types, subscribers
from events.topology import declare

# A batch that a consumer holds counts as empty at the broker. Sending it again is harmless, since
# the inbox knows it; this only keeps that rare.
GRACE = timedelta(seconds=60)
# Events that are looked at by one transaction. A batch takes some tens of milliseconds.
BATCH = 1_000
# Events that are sent again to one subscriber by one run. The relay publishes them in a few
# seconds, so that posts made meanwhile do not wait long behind them.
RESENT = 10_000

log = structlog.get_logger(__name__)

# The end of the next batch, the last moment included: a relay marks many events with one moment.
# Uses the index events_outbox_published.
BATCH_END = """
    SELECT max(published_at), count(*) FROM (
        SELECT published_at FROM events_outboxevent
        WHERE published_at > %(since)s AND published_at <= %(until)s
        ORDER BY published_at LIMIT %(batch)s
    ) AS batch
"""
# What was published in the batch through one of the subscriber's exchanges, or to its queue alone:
# uses events_outbox_published, then the keys of inbox and letters and events_outbox_event. The
# subselects keep the planner from hashing the whole inbox.
# A letter ends its event, unless it was replayed since: then the replay must have ended too. Only
# a message whose id is surely its event's id can be found in the inbox, and that is surely so for
# the events of our own outbox.
# "IS NULL" would let the planner take events_outbox_pending for `coming`: with statistics from
# before a long replay was written it reads all that is pending once for each event.
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
# The replayed letters of the batch that have had their effect; by the same indexes.
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
    """Look at every subscriber; returns how many events were sent again.

    An error at one of them keeps no other from its turn, and is raised at the end.
    """
    introduce()
    with connection.cursor() as cursor:
        # Before the look: what was published by now was in the queue when it is looked at.
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
    """The subscribers' queues that are known to be empty. A queue that was deleted is made again,
    and one that was unbound is bound, so that nothing more is lost.

    A quorum queue that has no leader says 0 messages and 0 consumers, whatever it holds; so an
    empty queue is believed only if somebody consumes it.
    """
    with links.connect(broker_url) as broker:
        declare(broker)
        with broker.channel() as channel:
            looks = {
                each.queue: channel.queue_declare(each.queue, passive=True)
                for each in subscribers.values()
            }
    return {name for name, look in looks.items() if look.consumer_count and not look.message_count}


def reconcile(subscriber: Subscriber, empty_at: datetime | None, *, limit: int = RESENT) -> int:
    """Send again what the subscriber's queue, when it was last empty, should have delivered.

    `empty_at`: when, by the database's clock, a look began that found its queue empty; None if it
    was not. Returns how many events were sent again; stops after about `limit` of them, and the
    next run goes on from there.
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
    """How many events of the next batch are sent again, and whether there is another batch."""
    state = Reconciliation.objects.select_for_update().get(subscriber=subscriber.name)
    window = {"since": state.complete_until, "until": until, "batch": BATCH}
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
        missing = []
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
