"""The real Celery app, its beat in a hurry: what heals by itself does so within a row's time."""

from celery_app import app

__all__ = ["app"]

# None divides the 5 s in which the broker's figures are taken: they would always be taken while the
# same task is in its queue.
SECONDS = {
    **{"analytics.roll_up": 4.3, "events.reconcile": 3.7, "timelines.repair": 7.3},
    **{"notifications.repair": 8.3, "notifications.resume": 9.1},
}

for name, seconds in SECONDS.items():
    app.conf.beat_schedule[name]["schedule"] = seconds
