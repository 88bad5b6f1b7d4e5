"""Celery's entrance to the analytics."""

from celery import shared_task
from django.utils import timezone

from analytics import pruning, rollups
from events.lane_task import LaneTask
from events.locks import held

LOW = "analytics.low"


@shared_task(base=LaneTask, name="analytics.roll_up", lane=LOW)
def roll_up() -> None:
    rollups.roll_up()


@shared_task(base=LaneTask, name="analytics.prune", lane=LOW)
def prune() -> None:
    with held("analytics.prune") as taken:
        if taken:
            pruning.prune(now=timezone.now())
