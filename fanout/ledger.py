"""The ledger of a fan-out: which posts are being fanned out, and which of their slices are written.

Guarantee: the slices of a post tile the whole range of ids. A range that the ledger lacks is
therefore exactly what is still to be written, whatever was lost at the broker or in a worker.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

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

# An unfinished fan-out is late after this: twice the promised 30 seconds.
LATE = timedelta(seconds=60)
# The delay before the next repair doubles with each repair after the first, up to LONGEST. After
# MOST_REPAIRS, about six hours, a fan-out is given up. Its dead letters then say what was wrong,
# and an operator continues it by replaying them.
LONGEST = timedelta(hours=1)
MOST_REPAIRS = 12


class FanOut(models.Model):
    """One post's fan-out at one subscriber, from its planning until all slices are done."""

    post_id = models.BigIntegerField(primary_key=True)
    # The number of planned slices. A repair may write the same range in fewer slices.
    slices = models.IntegerField(default=1)
    planned_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # True while the slices are not enqueued because their lane is full.
    waiting = models.BooleanField(default=False, db_default=False)
    # How often missing slices were enqueued again.
    repairs = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"post {self.post_id}"


class SliceRecord(models.Model):
    """A written slice: the followers with `after` < id <= `up_to`, and the number of rows."""

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


class Ledger(NamedTuple):
    """A subscriber's ledger, for repairs and operators' tools: the models of its fan-outs, of the
    slices that are done and of the rows that slices write, and the function that enqueues missing
    slices."""

    fan_outs: type[FanOut]
    records: type[SliceRecord]
    entries: type[models.Model]
    enqueue: Callable[[Sequence[Slice]], None]


def unfinished() -> models.Index:
    """The index that finds late fan-outs."""
    return models.Index(
        "planned_at",
        condition=models.Q(finished_at=None),
        name="%(app_label)s_unfinished",
    )


def begin(fan_outs: type[FanOut], planned: Iterable[Slice], *, now: datetime) -> None:
    """Record the planned slices, in the transaction that writes their posts' inbox rows."""
    counts = Counter(slice_.post_id for slice_ in planned)
    rows = [
        fan_outs(post_id=post_id, slices=slices, planned_at=now)
        for post_id, slices in sorted(counts.items())
    ]
    fan_outs._default_manager.bulk_create(rows, ignore_conflicts=True)


def holes(records: type[SliceRecord], post_ids: Iterable[int]) -> dict[int, list[Slice]]:
    """The slices that the ledger lacks, per post id; an empty list for a post that lacks none."""
    wanted = list(post_ids)
    done = _done(records, wanted)
    return {pk: disjoint([Slice(pk, 0, END)], done) for pk in wanted}


def uncovered(records: type[SliceRecord], slices: Collection[Slice]) -> list[Slice]:
    """The parts of `slices` that the ledger lacks, as slices that do not overlap."""
    return disjoint(slices, _done(records, {slice_.post_id for slice_ in slices}))


def _done(records: type[SliceRecord], post_ids: Collection[int]) -> dict[int, list[Range]]:
    """The ranges that are in the ledger, per post id."""
    done = defaultdict(list)
    for post_id, after, up_to in records._default_manager.filter(post_id__in=post_ids).values_list(
        "post_id", "after", "up_to"
    ):
        done[post_id].append((after, up_to))
    return done


def repair(ledger: Ledger, lanes: Iterable[str], *, now: datetime) -> None:
    """Enqueue the late slices of posts whose rows have not expired. Does nothing while tasks wait
    in the lanes: slices in a backlog are late as well, and must not be enqueued twice.

    Raises a passing error (events/errors.py) if the broker does not answer.
    """
    if not any(depths.ready(settings.BROKER_URL, lanes).values()):
        oldest = partitions.horizon(ledger.entries._meta.db_table)
        ledger.enqueue(late(ledger.fan_outs, ledger.records, now=now, oldest=oldest))


def late(
    fan_outs: type[FanOut],
    records: type[SliceRecord],
    *,
    now: datetime,
    oldest: int = 0,
    limit: int = 1_000,
) -> list[Slice]:
    """The missing slices of up to `limit` late fan-outs, oldest first. A fan-out is late if it was
    planned or last repaired before `now` - LATE; the time doubles with each repair after the first.
    A fan-out that waits for room in its lane is not late.

    Closes the fan-outs that are complete, whose post is deleted or has expired (its id is below
    `oldest`), or that were repaired MOST_REPAIRS times in vain. Marks the others as planned now.
    """
    unfinished = fan_outs._default_manager.filter(
        finished_at=None, waiting=False, planned_at__lt=now - LATE
    )
    overdue = unfinished.filter(planned_at__lt=now - _repair_delay())
    repairs = dict(overdue.order_by("planned_at").values_list("post_id", "repairs")[:limit])
    posts = Post.objects.filter(pk__in=repairs, pk__gte=oldest, deleted_at=None)
    live = set(posts.values_list("pk", flat=True))
    missing = holes(records, repairs)
    again = [post_id for post_id in repairs if missing[post_id] and post_id in live]
    given_up = [post_id for post_id in again if repairs[post_id] >= MOST_REPAIRS]
    if given_up:
        log.error("fan-outs are given up: see their dead letters", post_ids=given_up)
    again = [post_id for post_id in again if repairs[post_id] < MOST_REPAIRS]
    fan_outs._default_manager.filter(pk__in=again).update(planned_at=now, repairs=F("repairs") + 1)
    fan_outs._default_manager.filter(pk__in=set(repairs) - set(again)).update(finished_at=now)
    return [slice_ for post_id in again for slice_ in missing[post_id]]


def enqueue_again(slices: Sequence[Slice], enqueue: Callable[..., None], size: int) -> None:
    """Call `enqueue(slices=...)` for the missing slices, `size` of them at a time."""
    for first in range(0, len(slices), size):
        enqueue(slices=slices[first : first + size])
    if slices:
        posts = sorted({each.post_id for each in slices})
        log.error("slices were missing and are enqueued again", count=len(slices), posts=posts[:20])


def _repair_delay() -> models.Expression:
    """How long a fan-out may take until its next repair, as an SQL expression of `repairs`."""
    # The bound keeps the power in range, whatever the column holds.
    doublings = Least(Cast("repairs", models.FloatField()), Value(10.0))
    return Least(
        ExpressionWrapper(
            Value(LATE / 2, output_field=models.DurationField()) * Power(Value(2.0), doublings),
            output_field=models.DurationField(),
        ),
        Value(LONGEST, output_field=models.DurationField()),
    )
