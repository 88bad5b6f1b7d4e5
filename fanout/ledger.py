"""The ledger of a fan-out: which posts are being fanned out, and which of their slices are done.

Guarantee: the slices of a post tile the whole range of ids, so that a hole in the ledger is exactly
what is missing, whatever was lost on the way.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import models
from django.db.models import ExpressionWrapper, F, Value
from django.db.models.functions import Cast, Least, Power

from events import depths
from fanout import partitions
from fanout.slices import END, Range, Slice, disjoint
from social.models import Post

log = structlog.get_logger(__name__)

# Twice the promise of 30 seconds.
LATE = timedelta(seconds=60)
# After each repair but the first a fan-out has twice as long, up to this; after so many, which take
# six hours, it is given up. Its dead letters say what was wrong, and are how an operator goes on.
LONGEST = timedelta(hours=1)
MOST_REPAIRS = 12


class FanOut(models.Model):
    """One post's fan-out at one subscriber, from its planning until all slices are done."""

    post_id = models.BigIntegerField(primary_key=True)
    # How many were planned; mending may write the same range in fewer.
    slices = models.IntegerField(default=1)
    planned_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Its slices are not enqueued yet: there is no room for them in their lane.
    waiting = models.BooleanField(default=False, db_default=False)
    # How often what is missing was enqueued again.
    repairs = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"post {self.post_id}"


class SliceRecord(models.Model):
    """One slice that is done: the followers with `after` < id <= `up_to`, and how many rows."""

    pk = models.CompositePrimaryKey("post_id", "after")
    post_id = models.BigIntegerField()
    after = models.BigIntegerField()
    up_to = models.BigIntegerField()
    rows = models.IntegerField()
    written_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"post {self.post_id} ({self.after}, {self.up_to}]: {self.rows} rows"


def unfinished() -> models.Index:
    """The index by which late fan-outs are found."""
    return models.Index(
        "planned_at",
        condition=models.Q(finished_at=None),
        name="%(app_label)s_unfinished",
    )


def begin(fan_outs: type[FanOut], planned: Iterable[Slice], *, now: datetime) -> None:
    """Note that the slices are planned, in the transaction of their posts' inbox rows."""
    counts = Counter(piece.post_id for piece in planned)
    rows = [
        fan_outs(post_id=post_id, slices=slices, planned_at=now)
        for post_id, slices in sorted(counts.items())
    ]
    fan_outs.objects.bulk_create(rows, ignore_conflicts=True)


def holes(records: type[SliceRecord], post_ids: Iterable[int]) -> dict[int, list[Slice]]:
    """The slices of each post that are not in the ledger; an empty list where none is missing."""
    wanted = list(post_ids)
    done = _done(records, wanted)
    return {pk: disjoint([Slice(pk, 0, END)], done) for pk in wanted}


def uncovered(records: type[SliceRecord], slices: Collection[Slice]) -> list[Slice]:
    """What of the slices is not in the ledger, in slices that do not overlap."""
    return disjoint(slices, _done(records, {piece.post_id for piece in slices}))


def _done(records: type[SliceRecord], post_ids: Collection[int]) -> dict[int, list[Range]]:
    """The ranges of each post that are in the ledger."""
    done = defaultdict(list)
    for post_id, after, up_to in records.objects.filter(post_id__in=post_ids).values_list(
        "post_id", "after", "up_to"
    ):
        done[post_id].append((after, up_to))
    return done


def lost(
    fan_outs: type[FanOut],
    records: type[SliceRecord],
    entries: type[models.Model],
    lanes: Iterable[str],
    *,
    now: datetime,
) -> list[Slice]:
    """The slices that are late and still kept among the `entries`; none while tasks wait in the
    lanes: a backlog is late too, and must not be doubled. Raises an error that passes."""
    if any(depths.ready(settings.BROKER_URL, lanes).values()):
        return []
    oldest = partitions.horizon(entries._meta.db_table)
    return late(fan_outs, records, now=now, oldest=oldest)


def late(
    fan_outs: type[FanOut],
    records: type[SliceRecord],
    *,
    now: datetime,
    oldest: int = 0,
    limit: int = 1_000,
) -> list[Slice]:
    """The missing slices of fan-outs that were planned, or repaired, too long before `now`, oldest
    first: LATE, and twice as long after each repair but the first; those that wait for room in
    their lane are not late.

    Those found complete, those of deleted posts, those of posts below `oldest`, which have expired,
    and those repaired MOST_REPAIRS times in vain are closed. The others count as planned anew.
    """
    unfinished = fan_outs.objects.filter(finished_at=None, waiting=False, planned_at__lt=now - LATE)
    rested = unfinished.filter(planned_at__lt=now - _patience())
    repairs = dict(rested.order_by("planned_at").values_list("post_id", "repairs")[:limit])
    posts = Post.objects.filter(pk__in=repairs, pk__gte=oldest, deleted_at=None)
    live = set(posts.values_list("pk", flat=True))
    missing = holes(records, repairs)
    again = [post_id for post_id in repairs if missing[post_id] and post_id in live]
    given_up = [post_id for post_id in again if repairs[post_id] >= MOST_REPAIRS]
    if given_up:
        log.error("fan-outs are given up: see their dead letters", post_ids=given_up)
    again = [post_id for post_id in again if repairs[post_id] < MOST_REPAIRS]
    fan_outs.objects.filter(pk__in=again).update(planned_at=now, repairs=F("repairs") + 1)
    fan_outs.objects.filter(pk__in=set(repairs) - set(again)).update(finished_at=now)
    return [piece for post_id in again for piece in missing[post_id]]


def enqueue_again(slices: Sequence[Slice], enqueue: Callable[..., None], size: int) -> None:
    """Call `enqueue(slices=...)` for the missing slices, `size` of them at a time."""
    for first in range(0, len(slices), size):
        enqueue(slices=slices[first : first + size])
    if slices:
        posts = sorted({piece.post_id for piece in slices})
        log.error("slices were missing and are enqueued again", count=len(slices), posts=posts[:20])


def _patience() -> models.Expression:
    """How long a fan-out may take before it is repaired, by its repairs so far."""
    # Bounded, so that no power is out of range whatever the column says.
    doublings = Least(Cast("repairs", models.FloatField()), Value(10.0))
    return Least(
        ExpressionWrapper(
            Value(LATE / 2, output_field=models.DurationField()) * Power(Value(2.0), doublings),
            output_field=models.DurationField(),
        ),
        Value(LONGEST, output_field=models.DurationField()),
    )
