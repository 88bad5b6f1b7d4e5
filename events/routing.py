"""Which lane a task goes to, whoever sends it, and which one a message came from; loads nothing of
Django before it must."""

from collections.abc import Mapping

from celery import current_app

# Seconds. Under a memory or disk alarm a confirm never comes; this bounds the wait.
CONFIRM_TIMEOUT = 10.0


def route(name, args, kwargs, options, task=None):
    """For Celery's `task_routes`; a queue given with the call wins."""
    if task is None:  # Sent by its name, as `celery call` does.
        current_app.loader.import_default_modules()
        task = current_app.tasks.get(name)
    lane = getattr(task, "lane", None)
    return {"queue": lane, "confirm_timeout": CONFIRM_TIMEOUT} if lane else None


def lane_of(delivery_info: Mapping | None) -> str | None:
    """The lane that a message was taken from, by its routing key: a delayed one's begins with the
    levels of its delay."""
    key = (delivery_info or {}).get("routing_key") or ""
    return next((name for name in current_app.amqp.queues if f".{key}".endswith(f".{name}")), None)
