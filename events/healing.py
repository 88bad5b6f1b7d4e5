"""Replaying and discarding dead letters.

Guarantee: a replay reaches only the queue that its letter came from, goes through the outbox, and
is committed together with the letter's new state. Replaying what has succeeded since is harmless:
the inbox, or the task's own keys, know it.
"""

from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import QuerySet

from events.models import DeadLetter
from events.outbox import CHANNEL

# Letters a second. Ten times the peak rate of posts, and small beside what a queue takes.
RATE = 200
# What a selection may be made by: the admin's address and the command line speak this language.
LOOKUPS = frozenset(
    {
        *("id__in", "queue", "task", "event_type", "exception_type", "state__exact"),
        *("last_failed_at__gte", "last_failed_at__lt", "message_id", "subjects__contains"),
    }
)

# Headers that the broker added on the way to the dead letters, and the retries that were spent,
# would make the second attempt look like the last one's.
REPLAY = r"""
    WITH chosen AS (
        UPDATE events_deadletter SET state = 'replayed'
        WHERE id = ANY(%s) AND state = 'open'
        RETURNING *
    )
    INSERT INTO events_outboxevent (
        event_id, exchange, routing_key, headers, properties, body,
        created_at, due_at, attempts, last_error
    )
    SELECT left(message_id, 100), '', queue,
           headers - '{x-death, x-first-death-exchange, x-first-death-queue,
                       x-first-death-reason, x-delivery-count}'::text[]
               || CASE WHEN headers ? 'retries' THEN '{"retries": 0}' ELSE '{}' END::jsonb
               || '{"x-connectify-replay": "yes"}',
           properties, body, statement_timestamp(),
           statement_timestamp()
               + make_interval(secs => (row_number() OVER (ORDER BY id) - 1) / %s::float),
           0, ''
    FROM chosen
"""


class UnknownLookupError(ValueError):
    """A selection was made by something that letters are not selected by."""


def select(lookups: Mapping[str, object]) -> QuerySet[DeadLetter]:
    """The open letters that match; raises UnknownLookupError."""
    if unknown := set(lookups) - LOOKUPS:
        raise UnknownLookupError(", ".join(sorted(unknown)))
    return DeadLetter.objects.filter(state=DeadLetter.State.OPEN).filter(**lookups)


@transaction.atomic
def replay(letters: QuerySet[DeadLetter], *, rate: float = RATE) -> int:
    """Send open letters to their queues again, `rate` of them a second; returns how many.

    All are written to the outbox at once, each due at its time: the pace is the relay's.
    """
    ids = list(letters.order_by("id").values_list("id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(REPLAY, [ids, rate])
        count = cursor.rowcount
        cursor.execute(f"NOTIFY {CHANNEL}")
    return count


def discard(letters: QuerySet[DeadLetter]) -> int:
    """Close open letters without another attempt; the rows stay until they are pruned."""
    return letters.filter(state=DeadLetter.State.OPEN).update(state=DeadLetter.State.DISCARDED)
