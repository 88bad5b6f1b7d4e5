"""Celery's entrance to the analytics."""

from celery import shared_task

from analytics import rollups
from events.lane_task import LaneTask

LOW = "analytics.low"


@shared_task(base=LaneTask, name="analytics.roll_up", lane=LOW)
def roll_up() -> None:
    rollups.roll_up()
