"""Celery's entrance to the timelines: each task loads nothing and makes one domain call.

The way of a post ends in timelines/fanout.py.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from events import depths
from events.errors import passing
from events.failpoints import failpoint
from events.lane_task import LaneTask
from events.periodic_task import periodic_task
from events.turns import each_in_turn
from fanout import ledger
from fanout.slices import Slice
from social.models import Post
from timelines import backfill, dormancy, fanout, removal, watermark
from timelines.models import FanOut, SliceRecord, TimelineEntry
from timelines.planning import Plan, pack, plan

log = structlog.get_logger(__name__)

after_commit = failpoint("timelines.after_commit")

HIGH = "timelines.high"
LOW = "timelines.low"
# For periodic tasks. Behind the slices of a large audience, which fill timelines.low, they would
# pile up.
UPKEEP = "operations.low"

SLICES = {"slices": Slice._fields}
SLICES_A_TASK = 10
# Posts that have waited for room and are planned together.
FED_TOGETHER = 20
PAIRS = {"pairs": ("follower_id", "followee_id")}


@shared_task(base=LaneTask, name="timelines.write_slices", lane=HIGH, columns=SLICES)
def write_slices(*, slices: list[list[int]]) -> None:
    """`slices` are [post id, after, up to] each."""
    fanout.write([Slice(*piece) for piece in slices], now=timezone.now())
    after_commit()


def enqueue_plans(lane: str, plans: Iterable[Plan]) -> None:
    """Enqueue the slices, packed into tasks."""
    for slices in pack(plans, settings.TIMELINE_TASK_ROWS):
        write_slices.enqueue(lane=lane, slices=slices)


def room() -> int:
    """How many more slices timelines.low should take; 0 or less while it is full. It takes 50
    times as many tasks as timelines.high, since a post of a very large audience is many."""
    limit = 50 * settings.TIMELINE_LANE_TASKS
    return limit - depths.ready(settings.BROKER_URL, [LOW])[LOW]


def enqueue_large(plans: Iterable[Plan]) -> set[int]:
    """Enqueue the slices of posts of large audiences in timelines.low while there is room for
    them; returns the posts for which there is none."""
    left, fitting, waiting = room(), [], set()
    for post_id, pieces in groupby(plans, key=lambda piece: piece.slice.post_id):
        if left > 0:
            slices = list(pieces)
            left -= len(slices)
            fitting += slices
        else:
            waiting.add(post_id)
    enqueue_plans(LOW, fitting)
    return waiting


@periodic_task("timelines.feed", lane=UPKEEP)
def feed() -> None:
    """Enqueue posts of large audiences that wait for room in timelines.low, oldest first."""
    while feed_some(now=timezone.now()):
        pass


def feed_some(*, now: datetime) -> bool:
    """Enqueue some of them; False when there are no more, or no more room. They are planned anew,
    for the followers of now. A crash before they are noted to be enqueued enqueues them twice,
    which the ledger finds out. One that cannot be planned by itself is left to timelines.repair,
    which gives it up in the end; the others do not wait for it."""
    waiting = FanOut.objects.filter(waiting=True).order_by("pk")
    post_ids = list(waiting.values_list("pk", flat=True)[:FED_TOGETHER])
    if not post_ids:
        return False
    try:
        return _feed(post_ids, now)
    except Exception as error:
        if passing(error):
            raise
    left_over = False

    def feed_one(post_id: int) -> None:
        nonlocal left_over
        try:
            left_over |= not _feed([post_id], now)
        except Exception as error:
            if not passing(error):
                FanOut.objects.filter(pk=post_id).update(waiting=False, planned_at=now)
            raise

    each_in_turn(post_ids, feed_one, what="planning a post that waited")
    return not left_over


def _feed(post_ids: list[int], now: datetime) -> bool:
    # A deleted post has no slices, and timelines.repair closes it.
    live = Post.objects.filter(pk__in=post_ids, deleted_at=None).order_by("pk")
    plans = plan(live.values_list("pk", "author_id"), settings.TIMELINE_TASK_ROWS)
    left_over = enqueue_large(plans)
    slices = Counter(piece.slice.post_id for piece in plans)
    for post_id in set(post_ids) - left_over:
        FanOut.objects.filter(pk=post_id).update(
            waiting=False, slices=slices[post_id] or 1, planned_at=now
        )
    return not left_over


@periodic_task("timelines.repair", lane=UPKEEP)
def repair() -> None:
    """Enqueue what is missing of late fan-outs."""
    now = timezone.now()
    enqueue_slices(ledger.lost(FanOut, SliceRecord, TimelineEntry, (HIGH, LOW), now=now))


def enqueue_slices(slices: Sequence[Slice]) -> None:
    """Enqueue slices that were missing."""
    ledger.enqueue_again(slices, partial(write_slices.enqueue, lane=LOW), SLICES_A_TASK)


@shared_task(base=LaneTask, name="timelines.remove_posts", lane=LOW)
def remove_posts(*, post_ids: list[int]) -> None:
    removal.remove_posts(post_ids)


@shared_task(base=LaneTask, name="timelines.refresh_follows", lane=LOW, columns=PAIRS)
def refresh_follows(*, pairs: list[list[int]]) -> None:
    """`pairs` are [follower id, followee id] each."""
    dormancy.expect({follower for follower, _ in pairs}, now=timezone.now())
    failures = each_in_turn(
        pairs,
        lambda pair: backfill.refresh(pair[0], [pair[1]]),
        what="refreshing a follow",
        seconds=math.inf,
    )
    if failures:
        raise failures[0]


@shared_task(base=LaneTask, name="timelines.rebuild_timeline", lane=LOW)
def rebuild_timeline(*, owner_id: int) -> None:
    """By an operator's hand: fill in what is missing of one timeline."""
    dormancy.rebuild(owner_id, now=timezone.now())


@periodic_task("timelines.raise_watermark", lane=UPKEEP)
def raise_watermark() -> None:
    """So that clients that read forward need not remember much."""
    watermark.raise_(now=timezone.now())


@periodic_task("timelines.put_to_sleep", lane=UPKEEP)
def put_to_sleep() -> None:
    """Write no more timelines of owners who have stayed away."""
    dormancy.put_to_sleep(now=timezone.now())


@periodic_task("timelines.wake", lane=UPKEEP)
def wake() -> None:
    """Fill in the timelines of owners who have returned."""
    dormancy.wake_returned()
