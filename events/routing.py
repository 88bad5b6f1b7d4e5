"""Every task to its lane, whoever sends it; loads nothing of Django before it must."""

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
