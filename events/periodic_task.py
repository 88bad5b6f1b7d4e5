"""Tasks that beat starts. Even if several beats run, only one run of a task works at a time."""

from collections.abc import Callable
from functools import wraps

from celery import Task, shared_task
from django.db import connection

from events.lane_task import LaneTask
from events.locks import held

# Uses the primary key.
NOTE = """
    INSERT INTO events_periodicrun (task, began_at) VALUES (%s, statement_timestamp())
    ON CONFLICT (task) DO UPDATE SET began_at = excluded.began_at
"""


def periodic_task(name: str, *, lane: str) -> Callable[[Callable[[], None]], Task]:
    """Declare with `@periodic_task("<app>.<verb>_<noun>", lane="<app>.<lane>")`: a LaneTask without
    arguments that does nothing while another process runs it. Each run is recorded."""

    def declare(effect: Callable[[], None]) -> Task:
        @shared_task(base=LaneTask, name=name, lane=lane)
        @wraps(effect)
        def alone() -> None:
            with held(name) as taken:
                if taken:
                    with connection.cursor() as cursor:
                        cursor.execute(NOTE, [name])
                    effect()

        return alone

    return declare
