"""Celery tasks of analytics."""

from celery import shared_task

from analytics import pruning, rollups
from analytics.subscriber import PRUNE, ROLL_UP
from events.lane_task import LaneTask
from events.periodic_task import periodic_task
from social import database_clock


@shared_task(base=LaneTask, name=ROLL_UP.name, lane=ROLL_UP.lane)
def roll_up() -> None:
    rollups.roll_up()


@periodic_task(PRUNE)
def prune() -> None:
    pruning.prune(now=database_clock.now())
