"""The Celery tasks of notifications. Each makes one domain call."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from math import ceil
from uuid import UUID

import structlog
from celery import shared_task
from celery.signals import worker_process_shutdown
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events.lane_task import LaneTask
from events.periodic_task import periodic_task
from fanout import ledger
from fanout.slices import Slice
from notifications import subscriptions
from notifications.delivery import late, pushing, retries, sending, trials
from notifications.delivery.outcomes import Outcome
from notifications.delivery.retries import Retry
from notifications.models import FanOut, Notification, PushSubscription, SliceRecord
from notifications.subscriber import HIGH, REPAIR, RESUME, RETRY

log = structlog.get_logger(__name__)

SLICES = {"slices": Slice._fields}
PUSHES = {"pushes": Retry._fields}


@shared_task(base=LaneTask, bind=True, name="notifications.send_pushes", lane=HIGH, columns=SLICES)
def send_pushes(self: LaneTask, *, slices: list[list[int]]) -> None:
    """Push to the followers in the slices. Each slice is [post id, after, up to]."""
    wanted = [Slice(*slice_) for slice_ in slices]
    task = UUID(self.request.id)
    enqueue_retries(
        pushing.push_slices(wanted, task=task, clock=timezone.now, enqueue_retries=enqueue_retries)
    )


@shared_task(
    base=LaneTask, bind=True, name="notifications.retry_pushes", lane=RETRY, columns=PUSHES
)
def retry_pushes(self: LaneTask, *, pushes: list[list[int]]) -> None:
    """Retry the pushes. Each push is [post id, subscription id, attempts]."""
    due = [Retry(*push) for push in pushes]
    task = UUID(self.request.id)
    enqueue_retries(
        pushing.push_again(due, task=task, clock=timezone.now, enqueue_retries=enqueue_retries)
    )


def enqueue_retries(outcomes: Iterable[Outcome]) -> None:
    """Enqueue the next attempt of each outcome; those due in the same second share a task."""
    delayed: defaultdict[int, list[Retry]] = defaultdict(list)
    now = timezone.now()
    for outcome in outcomes:
        assert outcome.due_at  # A retry has one.
        # Celery accepts only whole seconds as a delay.
        seconds = max(1, ceil((outcome.due_at - now).total_seconds()))
        delayed[seconds].append(outcome.retry)
    for seconds, pushes in delayed.items():
        retry_pushes.enqueue(countdown=seconds, pushes=pushes)


@worker_process_shutdown.connect
def finish(**_: object) -> None:
    """Wait a moment for the answers that are still to come, so that a restart repeats no push."""
    if sending.sender.cache_info().currsize:
        sending.sender().drain()
        late.settler().drain(late.DRAIN_SECONDS)


def enqueue_slices(slices: Sequence[Slice]) -> None:
    """Enqueue slices that were missing."""
    ledger.enqueue_again(slices, partial(send_pushes.enqueue, lane=RETRY), 1)


LEDGER = ledger.Ledger(FanOut, SliceRecord, Notification, enqueue_slices)


@periodic_task(REPAIR)
def repair() -> None:
    """Enqueue the missing slices of late fan-outs."""
    ledger.repair(LEDGER, (HIGH, RETRY), now=timezone.now())


@periodic_task(RESUME)
def resume() -> None:
    """Enqueue pushes whose sender died or whose retry was lost."""
    late = retries.overdue(now=timezone.now())
    for first in range(0, len(late), settings.PUSH_TASK_SUBSCRIBERS):
        retry_pushes.enqueue(pushes=late[first : first + settings.PUSH_TASK_SUBSCRIBERS])
    if late:
        log.warning("overdue pushes are enqueued again", count=len(late))


@shared_task(base=LaneTask, name="notifications.send_trial", lane=RETRY)
def send_trial(*, subscription_id: int) -> None:
    """Send a test push. It runs on the lane of retries, because the user chooses the device, which
    may be slow to answer."""
    trials.send_trial(subscription_id, clock=timezone.now)


def enqueue_trial(subscription: PushSubscription) -> None:
    """Start a test of a device. Raises TestedError if the last test was too recent. Raises a
    passing error if the task could not be enqueued; the test has not started then."""
    with transaction.atomic():
        subscriptions.begin_test(subscription, now=timezone.now())
        send_trial.enqueue(subscription_id=subscription.pk)
