"""Celery's entrance to the timelines: each task loads nothing and makes one domain call.

The way of a post ends in timelines/fanout.py.
"""

from collections.abc import Sequence

import structlog
from celery import shared_task
from django.utils import timezone

from events.failpoints import failpoint
from events.lane_task import LaneTask
from events.periodic_task import periodic_task
from social import ledger
from social.slices import Slice
from timelines import backfill, dormancy, fanout, removal, watermark
from timelines.models import FanOut, SliceRecord, TimelineEntry

log = structlog.get_logger(__name__)

after_commit = failpoint("timelines.after_commit")

HIGH = "timelines.high"
LOW = "timelines.low"
# For what must not wait behind the slices of a large audience, which fill timelines.low.
UPKEEP = "operations.low"

SLICES = {"slices": Slice._fields}
SLICES_A_TASK = 10
PAIRS = {"pairs": ("follower_id", "followee_id")}


@shared_task(base=LaneTask, name="timelines.write_slices", lane=HIGH, columns=SLICES)
def write_slices(*, slices: list[list[int]]) -> None:
    """`slices` are [post id, after, up to] each."""
    fanout.write([Slice(*piece) for piece in slices], now=timezone.now())
    after_commit()


@periodic_task("timelines.repair", lane=LOW)
def repair() -> None:
    """Enqueue what is missing of late fan-outs."""
    now = timezone.now()
    enqueue_slices(ledger.lost(FanOut, SliceRecord, TimelineEntry, (HIGH, LOW), now=now))


def enqueue_slices(slices: Sequence[Slice]) -> None:
    """Enqueue slices that were missing, with a word about it in the log."""
    for first in range(0, len(slices), SLICES_A_TASK):
        write_slices.enqueue(lane=LOW, slices=slices[first : first + SLICES_A_TASK])
    if slices:
        log.error("slices were missing and are enqueued again", count=len(slices))


@shared_task(base=LaneTask, name="timelines.remove_posts", lane=LOW)
def remove_posts(*, post_ids: list[int]) -> None:
    removal.remove_posts(post_ids)


@shared_task(base=LaneTask, name="timelines.refresh_follows", lane=LOW, columns=PAIRS)
def refresh_follows(*, pairs: list[list[int]]) -> None:
    """`pairs` are [follower id, followee id] each."""
    dormancy.expect({follower for follower, _ in pairs}, now=timezone.now())
    for follower, followee in pairs:
        backfill.refresh(follower, [followee])


@shared_task(base=LaneTask, name="timelines.rebuild_timeline", lane=LOW)
def rebuild_timeline(*, owner_id: int) -> None:
    """By an operator's hand: fill in what is missing of one timeline."""
    dormancy.rebuild(owner_id, now=timezone.now())


@periodic_task("timelines.raise_watermark", lane=UPKEEP)
def raise_watermark() -> None:
    """So that clients that read forward need not remember much."""
    watermark.raise_(now=timezone.now())


@periodic_task("timelines.put_to_sleep", lane=LOW)
def put_to_sleep() -> None:
    """Write no more timelines of owners who have stayed away."""
    dormancy.put_to_sleep(now=timezone.now())


@periodic_task("timelines.wake", lane=LOW)
def wake() -> None:
    """Fill in the timelines of owners who have returned."""
    dormancy.wake_returned()
