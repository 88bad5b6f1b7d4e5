"""Celery's entrance to the analytics."""

from celery import shared_task

from analytics import recording
from events.tasks import LaneTask

LOW = "analytics.low"


@shared_task(base=LaneTask, name="analytics.record_events", lane=LOW)
def record_events(*, events: list[dict]) -> None:
    """`events` are {event_id, event_type, timestamp, data} each."""
    recording.record(events)
