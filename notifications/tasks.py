"""Celery's entrance to the notifications: each task makes one domain call."""

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
from notifications import late, pushing, retries, sending, subscriptions, trials
from notifications.models import FanOut, Notification, PushSubscription, SliceRecord
from notifications.outcomes import Outcome
from notifications.retries import Retry

log = structlog.get_logger(__name__)

HIGH = "notifications.high"
RETRY = "notifications.retry"
# For periodic tasks: behind the retries of a push service that is away they would pile up.
UPKEEP = "operations.low"
SLICES = {"slices": Slice._fields}
PUSHES = {"pushes": Retry._fields}


@shared_task(base=LaneTask, bind=True, name="notifications.send_pushes", lane=HIGH, columns=SLICES)
def send_pushes(self, *, slices: list[list[int]]) -> None:
    """`slices` are [post id, after, up to] each."""
    wanted = [Slice(*piece) for piece in slices]
    task = UUID(self.request.id)
    again(pushing.push_slices(wanted, task=task, clock=timezone.now, again=again))


@shared_task(
    base=LaneTask, bind=True, name="notifications.retry_pushes", lane=RETRY, columns=PUSHES
)
def retry_pushes(self, *, pushes: list[list[int]]) -> None:
    """`pushes` are [post id, subscription id, attempts] each."""
    due = [Retry(*push) for push in pushes]
    task = UUID(self.request.id)
    again(pushing.push_again(due, task=task, clock=timezone.now, again=again))


def again(outcomes: Iterable[Outcome]) -> None:
    """Enqueue the next attempt of each outcome, those that are due in the same second together."""
    delayed = defaultdict(list)
    now = timezone.now()
    for outcome in outcomes:
        # Whole seconds, and at least one: Celery takes no fractions for a delay.
        seconds = max(1, ceil((outcome.due_at - now).total_seconds()))
        delayed[seconds].append(outcome.retry)
    for seconds, pushes in delayed.items():
        retry_pushes.enqueue(countdown=seconds, pushes=pushes)


@worker_process_shutdown.connect
def finish(**kwargs) -> None:
    """Wait for a moment for the answers that are still to come, so that a restart repeats none."""
    if sending.sender.cache_info().currsize:
        sending.sender().drain()
        late.settler().drain(late.DRAIN_SECONDS)


@periodic_task("notifications.repair", lane=UPKEEP)
def repair() -> None:
    """Enqueue what is missing of late fan-outs."""
    now = timezone.now()
    enqueue_slices(ledger.lost(FanOut, SliceRecord, Notification, (HIGH, RETRY), now=now))


def enqueue_slices(slices: Sequence[Slice]) -> None:
    """Enqueue slices that were missing."""
    ledger.enqueue_again(slices, partial(send_pushes.enqueue, lane=RETRY), 1)


@periodic_task("notifications.resume", lane=UPKEEP)
def resume() -> None:
    """Enqueue pushes whose sender died, or whose retry was lost."""
    late = retries.overdue(now=timezone.now())
    for first in range(0, len(late), settings.PUSH_TASK_SUBSCRIBERS):
        retry_pushes.enqueue(pushes=late[first : first + settings.PUSH_TASK_SUBSCRIBERS])
    if late:
        log.warning("overdue pushes are enqueued again", count=len(late))


@shared_task(base=LaneTask, name="notifications.send_trial", lane=RETRY)
def send_trial(*, subscription_id: int) -> None:
    """On the lane of retries, for a device of the user's choice may be slow to answer."""
    trials.send_trial(subscription_id, clock=timezone.now)


def enqueue_trial(subscription: PushSubscription) -> None:
    """Begin a test of a device. Raises TestedError, or an error that passes where it could not be
    enqueued and so has not begun."""
    with transaction.atomic():
        subscriptions.begin_test(subscription, now=timezone.now())
        send_trial.enqueue(subscription_id=subscription.pk)
