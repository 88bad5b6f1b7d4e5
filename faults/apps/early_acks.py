"""The real Celery app without its guard "late acks": a task is acknowledged before it runs."""

from celery_app import app
from timelines.tasks import write_slices

__all__ = ["app"]

app.conf.task_acks_late = False
write_slices.acks_late = False
