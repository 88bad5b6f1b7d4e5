"""Celery's entrance to the timelines: each task loads nothing and makes one domain call.

The way of a post ends in timelines/fanout.py.
"""

from celery import shared_task
from django.utils import timezone

from events.lane_task import LaneTask
from social.slices import Slice
from timelines import backfill, fanout, removal

HIGH = "timelines.high"
LOW = "timelines.low"


SLICES = {"slices": Slice._fields}
PAIRS = {"pairs": ("follower_id", "followee_id")}


@shared_task(base=LaneTask, name="timelines.write_slices", lane=HIGH, columns=SLICES)
def write_slices(*, slices: list[list[int]]) -> None:
    """`slices` are [post id, after, up to] each."""
    fanout.write([Slice(*piece) for piece in slices], now=timezone.now())


@shared_task(base=LaneTask, name="timelines.remove_posts", lane=LOW)
def remove_posts(*, post_ids: list[int]) -> None:
    removal.remove_posts(post_ids)


@shared_task(base=LaneTask, name="timelines.refresh_follows", lane=LOW, columns=PAIRS)
def refresh_follows(*, pairs: list[list[int]]) -> None:
    """`pairs` are [follower id, followee id] each."""
    for follower, followee in pairs:
        backfill.refresh(follower, followee)
