"""The real Celery app, its beat in a hurry: what heals by itself does so within a row's time."""

from celery_app import app

__all__ = ["app"]

SECONDS = {"roll up": 5.0, "reconcile": 5.0, "repair timelines": 10.0, "repair pushes": 10.0}

for name, seconds in SECONDS.items():
    app.conf.beat_schedule[name]["schedule"] = seconds
