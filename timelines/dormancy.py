"""Owners who stay away: their timelines are not written, and are filled in when they return.

Guarantee: an owner's timeline always shows the same as if it had always been written. Until it is
filled in, it is read from the authors' posts. Slices look only at the narrow table of the dormant.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from social.models import Follow
from timelines import backfill
from timelines.models import Dormant, Reader

# A read must not cost a row's new version each time.
RESOLUTION = timedelta(hours=1)
# Authors of whom an owner's rows are filled in by one transaction.
AUTHORS = 50

# By timelines_reader_seen.
PUT_TO_SLEEP = """
    INSERT INTO timelines_dormant (owner_id)
    SELECT owner_id FROM timelines_reader WHERE seen_at < %s
    FOR UPDATE  -- Who looks at this moment is asked again, or waits and then finds the row.
    ON CONFLICT DO NOTHING
"""
SEEN = """
    INSERT INTO timelines_reader (owner_id, seen_at, read_up_to) VALUES (%s, %s, 0)
    ON CONFLICT (owner_id) DO UPDATE SET seen_at = excluded.seen_at
"""


def note_visit(owner: int, *, now: datetime) -> None:
    """Remember that the owner looked, once an hour; slices write their rows from now on."""
    known = Reader.objects.filter(owner=owner, seen_at__gt=now - RESOLUTION)
    if known.exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(SEEN, [owner, now])
    Dormant.objects.filter(owner=owner, returned_at=None).update(returned_at=now)


def expect(owners: Iterable[int], *, now: datetime) -> None:
    """Count the absence of owners who have never looked from now on."""
    rows = [Reader(owner_id=owner, seen_at=now) for owner in sorted(owners)]
    Reader.objects.bulk_create(rows, ignore_conflicts=True)


def put_to_sleep(*, now: datetime) -> int:
    """Make those dormant who have not looked for so long; returns how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(PUT_TO_SLEEP, [now - settings.TIMELINE_DORMANT_AFTER])
        return cursor.rowcount


def wake_returned(limit: int = 1_000) -> int:
    """Fill in the timelines of those who have returned; returns how many there were."""
    returned = Dormant.objects.exclude(returned_at=None).order_by("returned_at")
    owners = list(returned.values_list("owner_id", flat=True)[:limit])
    for owner in owners:
        wake(owner)
    return len(owners)


def wake(owner: int) -> None:
    # 1. Slices write for the owner since `returned_at`, so that what they left out before is a
    #    post that exists, and is found here.
    followees = Follow.objects.filter(follower=owner).order_by("followee_id")
    authors = list(followees.values_list("followee_id", flat=True))
    for first in range(0, len(authors), AUTHORS):
        backfill.refresh(owner, authors[first : first + AUTHORS])
    # 2. Only now is it read from its rows.
    Dormant.objects.filter(owner=owner).delete()
