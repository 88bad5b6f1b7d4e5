"""Dormant owners: fan-out skips users who have been away for long; their timelines are filled in
when they return.

Guarantee: a dormant owner's timeline shows the same posts as if it had always been written. Until
it is filled in, it is read from the authors' posts. Skipping dormant owners costs a slice nothing:
each of their follows is marked, once per absence.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from events.turns import each_in_turn
from social.models import Follow, User
from timelines import backfill
from timelines.models import Dormant, Reader

# Record visits at most this often: not every read should write a row version.
RESOLUTION = timedelta(hours=1)
# Owners per transaction when they become dormant; authors per transaction when rows are filled in.
OWNERS = 100
AUTHORS = 50

# Uses the primary key.
SEEN = """
    INSERT INTO timelines_reader (owner_id, seen_at, read_up_to) VALUES (%s, %s, 0)
    ON CONFLICT (owner_id) DO UPDATE SET seen_at = excluded.seen_at
"""
# Uses the index timelines_reader_seen.
AWAY = """
    SELECT owner_id FROM timelines_reader reader
    WHERE seen_at < %s AND NOT EXISTS (
        SELECT FROM timelines_dormant dormant WHERE dormant.owner_id = reader.owner_id
    )
    ORDER BY seen_at LIMIT %s
"""
# SKIP LOCKED: a locked row belongs to an owner who is reading now, and so is not away.
PUT_TO_SLEEP = """
    INSERT INTO timelines_dormant (owner_id)
    SELECT owner_id FROM timelines_reader
    WHERE owner_id = ANY(%s) AND seen_at < %s ORDER BY owner_id FOR UPDATE SKIP LOCKED
    ON CONFLICT DO NOTHING
    RETURNING owner_id
"""


def note_visit(owner: int, seen_at: datetime | None, *, now: datetime) -> None:
    """Record that the owner has read their timeline, once per RESOLUTION; `seen_at` is the last
    recorded time. If the owner was dormant, request that their timeline is filled in."""
    if seen_at and seen_at > now - RESOLUTION:
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SEEN, [owner, now])
        _return(owner, now)


def _return(owner: int, now: datetime) -> None:
    Dormant.objects.filter(owner=owner, returned_at=None).update(returned_at=now)


def expect(owners: Iterable[int], *, now: datetime) -> None:
    """Start the absence of owners who have never read their timeline; it counts from `now`."""
    rows = [Reader(owner_id=owner, seen_at=now) for owner in sorted(owners)]
    Reader.objects.bulk_create(rows, ignore_conflicts=True)


def put_to_sleep(*, now: datetime, limit: int = 1_000) -> int:
    """Make owners dormant who have not read their timeline for TIMELINE_DORMANT_AFTER, at most
    `limit`; returns how many have become dormant."""
    before = now - settings.TIMELINE_DORMANT_AFTER
    with connection.cursor() as cursor:
        cursor.execute(AWAY, [before, limit])
        owners = [row[0] for row in cursor]
    asleep = 0

    def put(batch: list[int]) -> None:
        nonlocal asleep
        try:
            asleep += _put_to_sleep(batch, before)
        except Exception:
            if len(batch) == 1:
                raise
            # The update may fail because of one owner's rows. Retry each owner separately.
            each_in_turn([[owner] for owner in batch], put, what="putting an owner to sleep")

    batches = [owners[first : first + OWNERS] for first in range(0, len(owners), OWNERS)]
    each_in_turn(batches, put, what="putting owners to sleep")
    return asleep


@transaction.atomic
def _put_to_sleep(owners: list[int], before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(PUT_TO_SLEEP, [owners, before])
        asleep = [row[0] for row in cursor]
    Follow.objects.filter(follower__in=asleep).update(dormant=True)
    return len(asleep)


def forget(owners: Collection[int]) -> None:
    """Delete what we know of owners whose accounts are closed. Nobody can read their timeline rows;
    they are dropped with their partitions."""
    for model in (Reader, Dormant):
        model.objects.filter(owner__in=owners).delete()


def wake_returned(limit: int = 100) -> int:
    """Fill in the timelines of up to `limit` owners who have returned; returns how many succeeded.
    An owner whose timeline fails is retried after the others; until then the timeline is read from
    the authors' posts."""
    returned = Dormant.objects.exclude(returned_at=None).order_by("returned_at")
    owners = list(returned.values_list("owner_id", flat=True)[:limit])

    def try_one(owner: int) -> None:
        try:
            wake(owner)
        except Exception:
            Dormant.objects.filter(owner=owner).exclude(returned_at=None).update(returned_at=Now())
            raise

    failures = each_in_turn(owners, try_one, what="waking an owner")
    return len(owners) - len(failures)


def rebuild(owner: int, *, now: datetime) -> None:
    """Fill in the missing rows of an active owner's timeline, whether or not they were dormant."""
    if User.objects.filter(pk=owner, is_active=True).exists():
        _return(owner, now)
        wake(owner)


def wake(owner: int) -> None:
    """Fill in the owner's timeline and end their dormancy."""
    returned_at = Dormant.objects.filter(owner=owner).values_list("returned_at", flat=True).first()
    # 1. From now on slices include the owner. Every post whose slice has skipped the owner exists
    #    already, so step 2 finds it. An account that is not active stays dormant.
    follows = Follow.objects.filter(follower=owner)
    follows.filter(dormant=True, follower_out=False).update(dormant=False)
    # 2. Add the missing rows.
    authors = list(follows.order_by("followee_id").values_list("followee_id", flat=True))
    for first in range(0, len(authors), AUTHORS):
        backfill.refresh(owner, authors[first : first + AUTHORS])
    # 3. From now on the timeline is read from its rows. If the owner has become dormant again
    #    meanwhile, `returned_at` differs, and the owner stays dormant.
    if returned_at:
        Dormant.objects.filter(owner=owner, returned_at=returned_at).delete()
