"""The bus's own maintenance, as Celery tasks."""

from celery import shared_task

from events import healing, pruning, reconciling
from events.lane_task import LaneTask
from events.locks import held

LOW = "events.low"


@shared_task(base=LaneTask, name="events.replay_letters", lane=LOW)
def replay_letters(*, selection: dict, rate: float) -> None:
    """`selection` as in healing.select, `rate` in letters a second."""
    healing.replay(healing.select(selection), rate=rate)


@shared_task(base=LaneTask, name="events.discard_letters", lane=LOW)
def discard_letters(*, selection: dict) -> None:
    healing.discard(healing.select(selection))


@shared_task(base=LaneTask, name="events.reconcile", lane=LOW)
def reconcile() -> None:
    with held("events.reconcile") as taken:
        if taken:
            reconciling.reconcile_all()


@shared_task(base=LaneTask, name="events.prune", lane=LOW)
def prune() -> None:
    with held("events.prune") as taken:
        if taken:
            pruning.prune()
