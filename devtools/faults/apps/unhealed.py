"""The real Celery app, whose beat only counts: for the proofs, in which a loss must stay one."""

from celery_app import app

__all__ = ["app"]

app.conf.beat_schedule = {
    "analytics.roll_up": {"task": "analytics.roll_up", "schedule": 4.3},
}
