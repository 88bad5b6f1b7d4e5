"""Owners who stay away: their timelines are not written, and are filled in when they return.

Guarantee: an owner's timeline always shows the same as if it had always been written. Until it is
filled in, it is read from the authors' posts. That slices leave these owners out costs slices
nothing: it is noted with each follow, once in each absence.
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

# A read must not cost a row's new version each time.
RESOLUTION = timedelta(hours=1)
# Owners who are put to sleep by one transaction; authors of whom rows are filled in by one.
OWNERS = 100
AUTHORS = 50

# By the primary key.
SEEN = """
    INSERT INTO timelines_reader (owner_id, seen_at, read_up_to) VALUES (%s, %s, 0)
    ON CONFLICT (owner_id) DO UPDATE SET seen_at = excluded.seen_at
"""
# By timelines_reader_seen.
AWAY = """
    SELECT owner_id FROM timelines_reader reader
    WHERE seen_at < %s AND NOT EXISTS (
        SELECT FROM timelines_dormant dormant WHERE dormant.owner_id = reader.owner_id
    )
    ORDER BY seen_at LIMIT %s
"""
# Who looks at this moment is not away.
PUT_TO_SLEEP = """
    INSERT INTO timelines_dormant (owner_id)
    SELECT owner_id FROM timelines_reader
    WHERE owner_id = ANY(%s) AND seen_at < %s ORDER BY owner_id FOR UPDATE SKIP LOCKED
    ON CONFLICT DO NOTHING
    RETURNING owner_id
"""


def note_visit(owner: int, seen_at: datetime | None, *, now: datetime) -> None:
    """Remember that the owner looked, once an hour: `seen_at` is when they were last seen to. Who
    was dormant is to be woken."""
    if seen_at and seen_at > now - RESOLUTION:
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SEEN, [owner, now])
        _return(owner, now)


def _return(owner: int, now: datetime) -> None:
    Dormant.objects.filter(owner=owner, returned_at=None).update(returned_at=now)


def expect(owners: Iterable[int], *, now: datetime) -> None:
    """Count the absence of owners who have never looked from now on."""
    rows = [Reader(owner_id=owner, seen_at=now) for owner in sorted(owners)]
    Reader.objects.bulk_create(rows, ignore_conflicts=True)


def put_to_sleep(*, now: datetime, limit: int = 1_000) -> int:
    """Make those dormant who have not looked for so long; returns how many are new."""
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
            # Somebody is at a row of one of them: the others sleep without that one.
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
    """Keep nothing about owners whose accounts are closed. Their rows leave with the partitions;
    nobody can read them."""
    for model in (Reader, Dormant):
        model.objects.filter(owner__in=owners).delete()


def wake_returned(limit: int = 100) -> int:
    """Fill in the timelines of those who have returned; returns how many there were. Whoever cannot
    be woken is read from the authors' posts meanwhile, and is tried again after the others."""
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
    """Fill in what the owner's timeline lacks, whether or not they were away."""
    if User.objects.filter(pk=owner, is_active=True).exists():
        _return(owner, now)
        wake(owner)


def wake(owner: int) -> None:
    returned_at = Dormant.objects.filter(owner=owner).values_list("returned_at", flat=True).first()
    # 1. From here on slices write for the owner, so that what they have left out is a post that
    #    exists, and is found by the next step. Not for one whose account is shut by now.
    follows = Follow.objects.filter(follower=owner)
    follows.filter(dormant=True, follower_out=False).update(dormant=False)
    # 2. The rows that are missing.
    authors = list(follows.order_by("followee_id").values_list("followee_id", flat=True))
    for first in range(0, len(authors), AUTHORS):
        backfill.refresh(owner, authors[first : first + AUTHORS])
    # 3. Only now is it read from its rows. Who has been put to sleep meanwhile is to be woken anew.
    if returned_at:
        Dormant.objects.filter(owner=owner, returned_at=returned_at).delete()
