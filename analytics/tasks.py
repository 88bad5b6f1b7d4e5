"""Celery tasks of analytics."""

from celery import shared_task

from analytics import pruning, rollups
from events.lane_task import LaneTask
from events.periodic_task import periodic_task
from social import database_clock

LOW = "analytics.low"


@shared_task(base=LaneTask, name="analytics.roll_up", lane=LOW)
def roll_up() -> None:
    rollups.roll_up()


@periodic_task("analytics.prune", lane=LOW)
def prune() -> None:
    pruning.prune(now=database_clock.now())
