"""The bus's own maintenance, as Celery tasks."""

from celery import shared_task

from events import healing, pruning, reconciling
from events.lane_task import LaneTask
from events.periodic_task import periodic_task

LOW = "events.low"


@shared_task(base=LaneTask, name="events.replay_letters", lane=LOW)
def replay_letters(*, selection: dict, rate: float) -> None:
    """`selection` as in healing.select, `rate` in letters a second."""
    healing.replay(healing.select(selection), rate=rate)


@shared_task(base=LaneTask, name="events.discard_letters", lane=LOW)
def discard_letters(*, selection: dict) -> None:
    healing.discard(healing.select(selection))


@periodic_task("events.reconcile", lane=LOW)
def reconcile() -> None:
    reconciling.reconcile_all()


@periodic_task("events.prune", lane=LOW)
def prune() -> None:
    pruning.prune()
