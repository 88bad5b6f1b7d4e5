"""The real Celery app with a heartbeat of 6 s, so that a scenario does not take minutes."""

from celery_app import app

__all__ = ["app"]

app.conf.broker_heartbeat = 6
