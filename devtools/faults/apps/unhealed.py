"""The real Celery app with a beat that only rolls up the analytics. Proofs use it, because nothing
may repair the loss that they cause."""

from celery_app import app

__all__ = ["app"]

app.conf.beat_schedule = {
    "analytics.roll_up": {"task": "analytics.roll_up", "schedule": 4.3},
}
