"""Replaying and discarding dead letters.

Guarantee: a replay goes through the outbox to the queue that its letter came from and to no other.
It is committed together with the letter's new state. Replaying a message that has succeeded since
is harmless: the inbox, or the task's unique keys, prevent a second effect. No letter is replayed
twice by a run that is interrupted and started again, nor by two runs at once.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, Func, IntegerField, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, Now

from events import trace
from events.letters import REPLAY_HEADER
from events.models import DeadLetter, OutboxEvent
from events.outbox import CHANNEL, INSERT

# Letters per second: ten times the peak rate of posts, and far below what a queue can take.
RATE = 200
SLOWEST, FASTEST = 0.1, 10_000
# The most letters, and bytes of their bodies, per transaction: it takes a fraction of a second.
BATCH = 5_000
BATCH_BYTES = 50_000_000
# A replay should have ended this long after it left the outbox.
UNSETTLED_AFTER = timedelta(minutes=10)
# The ORM lookups by which letters may be selected, in the admin's URL and on the command line.
LOOKUPS = frozenset(
    {
        *("id__in", "queue", "task", "event_type", "exception_type", "state__exact"),
        *("last_failed_at__gte", "last_failed_at__lt", "message_id", "subjects__contains"),
    }
)

# The headers that a second attempt needs. Some others describe the failed attempt and would affect
# the new one: the broker's `x-death`, the retries used, the expiry. The rest were set by an unknown
# sender, and may be too large to fit into a frame together with ours.
KEPT_HEADERS = (
    *("task", "id", "lang", "root_id", "parent_id", "origin", "argsrepr", "kwargsrepr"),
    *("compression", *trace.CARRIED),
)
# A header of the replay holds the letter's id, so that the worker can mark the letter as done.
REPLAY = f"""
    WITH chosen AS (
        UPDATE events_deadletter letter
        SET state = 'replayed', healed_at = NULL,
            replayed_at = %(start)s::timestamptz
                + make_interval(secs => (%(done)s + place - 1) / %(rate)s::float)
        FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (id, place)
        WHERE letter.id = wanted.id
        RETURNING letter.*
    )
    {INSERT}
    SELECT message_id, '', queue,
           (SELECT jsonb_object_agg(key, value)
            FROM jsonb_each(headers || jsonb_build_object('{REPLAY_HEADER}', id::text))
            WHERE key = ANY(%(kept)s)),
           properties, body, statement_timestamp(), replayed_at, 0, ''
    FROM chosen ORDER BY replayed_at
"""


class UnknownLookupError(ValueError):
    """Letters cannot be selected by this lookup."""


class RateError(ValueError):
    def __init__(self) -> None:
        super().__init__(f"give a rate from {SLOWEST:g} to {FASTEST:,} letters a second")


def select(lookups: Mapping[str, object]) -> QuerySet[DeadLetter]:
    """Return the open letters that match or, if `state__exact` is "replayed", the unsettled ones.
    Raises UnknownLookupError."""
    if unknown := set(lookups) - LOOKUPS:
        raise UnknownLookupError(", ".join(sorted(unknown)))
    if lookups.get("state__exact") == DeadLetter.State.REPLAYED:
        return unsettled().filter(**lookups)
    return DeadLetter.objects.filter(state=DeadLetter.State.OPEN).filter(**lookups)


def unsettled() -> QuerySet[DeadLetter]:
    """Return the letters that were replayed more than UNSETTLED_AFTER ago, have not failed again
    and are not known to have succeeded: they still wait in their queue, or were lost with it.
    Uses the index events_letter_unsettled."""
    # Compared as text, so that the planner uses the index on event_id. With `published_at IS NULL`
    # it may choose the index of the pending rows, and read all of them for each letter.
    published = Coalesce(Cast("published_at", TextField()), Value(""), output_field=TextField())
    coming = OutboxEvent.objects.alias(published=published).filter(
        event_id=OuterRef("message_id"), exchange="", routing_key=OuterRef("queue"), published=""
    )
    return DeadLetter.objects.filter(
        ~Exists(coming),
        state=DeadLetter.State.REPLAYED,
        healed_at=None,
        replayed_at__lt=Now() - UNSETTLED_AFTER,
    )


def replayable(letters: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
    """Filter for letters that still have their bodies."""
    return letters.filter(erased_at=None)


def replay(letters: QuerySet[DeadLetter], *, rate: float = RATE) -> int:
    """Send the replayable letters to their queues again, `rate` per second; return how many.

    The letters are written to the outbox in batches. Each row has a due time, and the relay
    publishes it then. Raises RateError.
    """
    if not SLOWEST <= rate <= FASTEST:  # This also refuses NaN.
        raise RateError
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        start: datetime = cursor.fetchone()[0]

    def send(ids: list[int], done: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                REPLAY,
                {
                    "ids": ids,
                    "done": done,
                    "rate": rate,
                    "start": start,
                    "kept": [*KEPT_HEADERS, REPLAY_HEADER],
                },
            )
            cursor.execute(f"NOTIFY {CHANNEL}")

    return _in_batches(replayable(letters), send)


def discard(letters: QuerySet[DeadLetter]) -> int:
    """Close letters without another attempt; the rows stay until they are pruned."""

    def close(ids: list[int], done: int) -> None:
        DeadLetter.objects.filter(pk__in=ids).update(state=DeadLetter.State.DISCARDED)

    return _in_batches(letters, close)


def settle(letter_id: str) -> None:
    """Record that a letter's replay has succeeded."""
    if letter_id.isascii() and letter_id.isdigit() and len(letter_id) < 19:
        DeadLetter.objects.filter(
            pk=int(letter_id), state=DeadLetter.State.REPLAYED, healed_at=None
        ).update(healed_at=Now())


def _in_batches(letters: QuerySet[DeadLetter], act: Callable[[list[int], int], None]) -> int:
    """Call act(ids, number of letters in earlier batches) in one transaction per batch; return the
    number of letters."""
    done = last = 0
    while True:
        with transaction.atomic():
            # In order of ids, so that a run takes each letter once. A letter that fails again at
            # once is open again, and would otherwise be replayed endlessly.
            if not (ids := _lock_batch(letters.filter(pk__gt=last))):
                return done
            act(ids, done)
        done, last = done + len(ids), ids[-1]


def _lock_batch(letters: QuerySet[DeadLetter]) -> list[int]:
    """Lock the first letters and return their ids, ascending. Skip letters locked by another run,
    or by the consumer of dead letters, which updates a letter that failed again."""
    size = Func(F("body"), function="octet_length", output_field=IntegerField())
    chosen = letters.order_by("pk").select_for_update(skip_locked=True)
    ids: list[int] = []
    bytes_taken = 0
    for pk, length in chosen.values_list("pk", size)[:BATCH]:
        bytes_taken += length
        if ids and bytes_taken > BATCH_BYTES:
            break
        ids.append(pk)
    return ids
