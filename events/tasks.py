"""The bus's own maintenance, as Celery tasks."""

from typing import Any

from celery import Task, shared_task
from celery.signals import task_success
from django.utils import timezone

from events import healing, pruning, reconciling, waiting
from events.lane_task import LaneTask
from events.letters import REPLAY_HEADER
from events.maintenance import LOW, PRUNE, RECONCILE
from events.periodic_task import periodic_task


@shared_task(base=LaneTask, name="events.replay_letters", lane=LOW)
def replay_letters(*, selection: dict[str, Any], rate: float) -> None:
    """`selection` is as in healing.select; `rate` is in letters per second."""
    healing.replay(healing.select(selection), rate=rate)


@shared_task(base=LaneTask, name="events.discard_letters", lane=LOW)
def discard_letters(*, selection: dict[str, Any]) -> None:
    healing.discard(healing.select(selection))


@periodic_task(RECONCILE)
def reconcile() -> None:
    reconciling.reconcile_all()


@periodic_task(PRUNE)
def prune() -> None:
    waiting.give_up_old(now=timezone.now())
    pruning.prune()


@task_success.connect
def settle_replayed_task(sender: Task[..., Any], **_: object) -> None:
    """Mark a letter as done when its replayed task succeeds, since tasks have no inbox. If this
    fails, Celery logs the error and the letter stays unsettled."""
    if letter_id := (sender.request.get(REPLAY_HEADER) or ""):
        healing.settle(str(letter_id))
