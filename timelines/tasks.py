"""Celery tasks of the timelines. Each loads no data and makes one domain call.

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
from timelines.subscriber import FEED, HIGH, LOW, PUT_TO_SLEEP, RAISE_WATERMARK, REPAIR, WAKE

log = structlog.get_logger(__name__)

after_commit = failpoint(__name__, "after_commit")

SLICES = {"slices": Slice._fields}
SLICES_PER_TASK = 10
# Waiting posts that are planned together.
FEED_BATCH = 20
PAIRS = {"pairs": ("follower_id", "followee_id")}


@shared_task(base=LaneTask, name="timelines.write_slices", lane=HIGH, columns=SLICES)
def write_slices(*, slices: list[list[int]]) -> None:
    """Write the slices, each given as [post id, after, up to]."""
    fanout.write([Slice(*numbers) for numbers in slices], now=timezone.now())
    after_commit()


def enqueue_plans(lane: str, plans: Iterable[Plan]) -> None:
    """Enqueue the slices, packed into tasks."""
    for slices in pack(plans, settings.TIMELINE_TASK_ROWS):
        write_slices.enqueue(lane=lane, slices=slices)


def room() -> int:
    """The number of slices that still fit into timelines.low; 0 or less while it is full. Its limit
    is 50 times that of timelines.high: a post of a very large audience has many slices."""
    limit = 50 * settings.TIMELINE_LANE_TASKS
    return limit - depths.ready(settings.BROKER_URL, [LOW])[LOW]


def enqueue_large(plans: Iterable[Plan]) -> set[int]:
    """Enqueue the slices of posts of large audiences in timelines.low while there is room; returns
    the ids of the posts that must wait."""
    left, fitting, waiting = room(), [], set()
    for post_id, of_post in groupby(plans, key=lambda planned: planned.slice.post_id):
        if left > 0:
            slices = list(of_post)
            left -= len(slices)
            fitting += slices
        else:
            waiting.add(post_id)
    enqueue_plans(LOW, fitting)
    return waiting


@periodic_task(FEED)
def feed() -> None:
    """Enqueue posts of large audiences that wait for room in timelines.low, oldest first."""
    while feed_batch(now=timezone.now()):
        pass


def feed_batch(*, now: datetime) -> bool:
    """Enqueue up to FEED_BATCH waiting posts; returns False if no more are waiting or the lane is
    full. The posts are planned again, for their present followers. A crash between enqueueing and
    the update of FanOut enqueues them twice; the ledger prevents writing them twice. A post whose
    planning fails is left to timelines.repair, which finally gives it up; the others need not wait
    for it."""
    waiting = FanOut.objects.filter(waiting=True).order_by("pk")
    post_ids = list(waiting.values_list("pk", flat=True)[:FEED_BATCH])
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
    slices = Counter(planned.slice.post_id for planned in plans)
    for post_id in set(post_ids) - left_over:
        FanOut.objects.filter(pk=post_id).update(
            waiting=False, slices=slices[post_id] or 1, planned_at=now
        )
    return not left_over


def enqueue_slices(slices: Sequence[Slice]) -> None:
    """Enqueue slices that were missing."""
    ledger.enqueue_again(slices, partial(write_slices.enqueue, lane=LOW), SLICES_PER_TASK)


LEDGER = ledger.Ledger(FanOut, SliceRecord, TimelineEntry, enqueue_slices)


@periodic_task(REPAIR)
def repair() -> None:
    """Enqueue the missing slices of late fan-outs."""
    ledger.repair(LEDGER, (HIGH, LOW), now=timezone.now())


@shared_task(base=LaneTask, name="timelines.remove_posts", lane=LOW)
def remove_posts(*, post_ids: list[int]) -> None:
    removal.remove_posts(post_ids)


@shared_task(base=LaneTask, name="timelines.refresh_follows", lane=LOW, columns=PAIRS)
def refresh_follows(*, pairs: list[list[int]]) -> None:
    """Update the rows of each pair, given as [follower id, followee id]."""
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
    """Fill in the missing rows of one timeline; enqueued by operators only."""
    dormancy.rebuild(owner_id, now=timezone.now())


@periodic_task(RAISE_WATERMARK)
def raise_watermark() -> None:
    """Raise the watermark, so that the positions of clients that read forward stay short."""
    watermark.raise_(now=timezone.now())


@periodic_task(PUT_TO_SLEEP)
def put_to_sleep() -> None:
    """Stop writing the timelines of owners who have been away for long."""
    dormancy.put_to_sleep(now=timezone.now())


@periodic_task(WAKE)
def wake() -> None:
    """Fill in the timelines of owners who have returned."""
    dormancy.wake_returned()
