"""Celery's entrance to the notifications: each task makes one domain call."""

import random
from collections import defaultdict
from collections.abc import Iterable

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from events import depths
from events.backoff import full_jitter
from events.lane_task import LaneTask
from events.locks import held
from notifications import pushing
from notifications.models import FanOut, SliceRecord
from notifications.settling import Outcome
from social import ledger
from social.slices import Slice

log = structlog.get_logger(__name__)

HIGH = "notifications.high"
RETRY = "notifications.retry"
BACKOFF_CAP_SECONDS = 300
SLICES = {"slices": Slice._fields}
PUSHES = {"pushes": ("post_id", "subscription_id")}


@shared_task(base=LaneTask, name="notifications.send_pushes", lane=HIGH, columns=SLICES)
def send_pushes(*, slices: list[list[int]]) -> None:
    """`slices` are [post id, after, up to] each."""
    again(pushing.push_slices([Slice(*piece) for piece in slices], now=timezone.now()))


@shared_task(base=LaneTask, name="notifications.repair", lane=RETRY)
def repair() -> None:
    """Enqueue what is missing of late fan-outs."""
    with held("notifications.repair") as taken:
        if taken and not any(depths.ready(settings.BROKER_URL, (HIGH, RETRY)).values()):
            enqueue_slices(ledger.late(FanOut, SliceRecord, now=timezone.now()))


def enqueue_slices(slices: Iterable[Slice]) -> None:
    """Enqueue slices that were missing, with a word about each in the log."""
    for piece in slices:
        log.error("a slice was missing and is enqueued again", post_id=piece.post_id)
        send_pushes.enqueue(lane=RETRY, slices=[piece])


@shared_task(base=LaneTask, name="notifications.retry_pushes", lane=RETRY, columns=PUSHES)
def retry_pushes(*, pushes: list[list[int]]) -> None:
    """`pushes` are [post id, subscription id] each."""
    again(pushing.push_again([tuple(pair) for pair in pushes], now=timezone.now()))


def again(outcomes: Iterable[Outcome], draw=random.random) -> None:
    """Enqueue the next attempt of each outcome, those with equal delays together."""
    delayed = defaultdict(list)
    for outcome in outcomes:
        push = outcome.push
        jittered = full_jitter(push.attempt, base=1, cap=BACKOFF_CAP_SECONDS, draw=draw)
        # Whole seconds, and at least one: Celery takes no fractions for a delay.
        seconds = 1 + int(max(outcome.retry_after, jittered))
        delayed[seconds].append([push.post_id, push.subscription_id])
    for seconds, pushes in delayed.items():
        retry_pushes.enqueue(countdown=seconds, pushes=pushes)
