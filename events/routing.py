"""The lane that a task goes to, and the lane that a message came from. Does not load Django before
it is needed."""

from collections.abc import Mapping
from typing import Any

from celery import Task, current_app

# Seconds. Under a memory or disk alarm the broker sends no confirms; this limits the wait.
CONFIRM_TIMEOUT = 10.0


def route(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    options: dict[str, Any],
    task: "Task[..., Any] | None" = None,
) -> dict[str, object] | None:
    """Choose a task's lane, for Celery's `task_routes`. A queue given with the call wins."""
    if task is None:  # Sent by its name, as `celery call` does.
        current_app.loader.import_default_modules()
        task = current_app.tasks.get(name)
    lane = getattr(task, "lane", None)
    return {"queue": lane, "confirm_timeout": CONFIRM_TIMEOUT} if lane else None


def lane_of(delivery_info: Mapping[str, Any] | None) -> str | None:
    """Return the lane that a message was taken from. Its routing key ends with the lane's name; the
    key of a delayed message begins with the levels of its delay."""
    key = (delivery_info or {}).get("routing_key") or ""
    return next((name for name in current_app.amqp.queues if f".{key}".endswith(f".{name}")), None)
