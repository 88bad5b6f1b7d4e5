"""The real Celery app without its guard "late acks": a task is acknowledged before it runs."""

from celery.signals import worker_init

from celery_app import app

__all__ = ["app"]

app.conf.task_acks_late = False


@worker_init.connect
def acknowledge_early(**_) -> None:
    # Tasks are registered only by now.
    app.tasks["timelines.write_slices"].acks_late = False
