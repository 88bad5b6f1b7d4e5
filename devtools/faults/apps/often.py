"""The real Celery app with a beat that runs repairs often, so that they happen within a
scenario."""

from celery_app import app

__all__ = ["app"]

# No interval divides the 5 s at which the broker collects its figures. Otherwise the figures would
# always be taken while the same task is in its queue.
SECONDS = {
    **{"analytics.roll_up": 4.3, "events.reconcile": 3.7, "timelines.repair": 7.3},
    **{"notifications.repair": 8.3, "notifications.resume": 9.1},
}

for name, seconds in SECONDS.items():
    app.conf.beat_schedule[name]["schedule"] = seconds
