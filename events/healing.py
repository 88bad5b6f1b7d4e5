"""Replaying and discarding dead letters.

Guarantee: a replay reaches only the queue that its letter came from, goes through the outbox, and
is committed together with the letter's new state. Replaying what has succeeded since is harmless:
the inbox, or the task's own keys, know it. A run that is interrupted, or of which there are two,
replays no letter twice.
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

# Letters a second. Ten times the peak rate of posts, and small beside what a queue takes.
RATE = 200
SLOWEST, FASTEST = 0.1, 10_000
# Letters, and bytes of their bodies, of one transaction: it takes a fraction of a second.
BATCH = 5_000
BATCH_BYTES = 50_000_000
# A replay that has left the outbox for so long should have ended.
UNSETTLED_AFTER = timedelta(minutes=10)
# What a selection may be made by: the admin's address and the command line speak this language.
LOOKUPS = frozenset(
    {
        *("id__in", "queue", "task", "event_type", "exception_type", "state__exact"),
        *("last_failed_at__gte", "last_failed_at__lt", "message_id", "subjects__contains"),
    }
)

# The headers that a second attempt needs. Some of the others would make it look like the last one's
# (the broker's notes, the retries that were spent, a time after which no effect was wanted). The
# rest are a stranger's, and may not fit into a frame together with ours.
KEPT_HEADERS = (
    *("task", "id", "lang", "root_id", "parent_id", "origin", "argsrepr", "kwargsrepr"),
    *("compression", *trace.CARRIED),
)
# The replay names its letter, so that a task's worker can say that it succeeded.
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
    """A selection was made by something that letters are not selected by."""


class RateError(ValueError):
    def __init__(self) -> None:
        super().__init__(f"give a rate from {SLOWEST:g} to {FASTEST:,} letters a second")


def select(lookups: Mapping[str, object]) -> QuerySet[DeadLetter]:
    """The open letters that match or, of `state__exact` "replayed", the unsettled ones; raises
    UnknownLookupError."""
    if unknown := set(lookups) - LOOKUPS:
        raise UnknownLookupError(", ".join(sorted(unknown)))
    if lookups.get("state__exact") == DeadLetter.State.REPLAYED:
        return unsettled().filter(**lookups)
    return DeadLetter.objects.filter(state=DeadLetter.State.OPEN).filter(**lookups)


def unsettled() -> QuerySet[DeadLetter]:
    """Letters that were replayed a while ago, have not failed again, and are not known to be done:
    they still wait in their queue, or were lost with it. By events_letter_unsettled."""
    # As text, so that the planner looks by event_id. With a condition that is the pending rows' own
    # it may read all of these for each letter.
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
    """Those of the letters that still have their bodies."""
    return letters.filter(erased_at=None)


def replay(letters: QuerySet[DeadLetter], *, rate: float = RATE) -> int:
    """Send the replayable letters to their queues again, `rate` a second; returns how many.

    They are written to the outbox in batches, each letter due at its time: the pace is the
    relay's. Raises RateError.
    """
    if not SLOWEST <= rate <= FASTEST:  # Which NaN is not either.
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
    """Note that a letter's replay has succeeded."""
    if letter_id.isascii() and letter_id.isdigit() and len(letter_id) < 19:
        DeadLetter.objects.filter(
            pk=int(letter_id), state=DeadLetter.State.REPLAYED, healed_at=None
        ).update(healed_at=Now())


def _in_batches(letters: QuerySet[DeadLetter], act: Callable[[list[int], int], None]) -> int:
    """Call act(ids, how many were done before) for all letters; a transaction for each batch."""
    done = last = 0
    while True:
        with transaction.atomic():
            # Each letter once in a run, in the order of ids: one that is replayed and fails again
            # at once is open again, and is not sent in circles.
            if not (ids := _lock_batch(letters.filter(pk__gt=last))):
                return done
            act(ids, done)
        done, last = done + len(ids), ids[-1]


def _lock_batch(letters: QuerySet[DeadLetter]) -> list[int]:
    """The ids of the first letters, ascending, without those that somebody else is at: another
    run, or the dead letters' consumer, which files a failure anew."""
    size = Func(F("body"), function="octet_length", output_field=IntegerField())
    chosen = letters.order_by("pk").select_for_update(skip_locked=True)
    ids, bytes_taken = [], 0
    for pk, length in chosen.values_list("pk", size)[:BATCH]:
        bytes_taken += length
        if ids and bytes_taken > BATCH_BYTES:
            break
        ids.append(pk)
    return ids
