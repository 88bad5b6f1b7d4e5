"""Tasks that the beat starts: however many beats there are, one at a time does the work."""

from collections.abc import Callable
from functools import wraps

from celery import Task, shared_task
from django.db import connection

from events.lane_task import LaneTask
from events.lanes import PeriodicTask
from events.locks import held

# By the primary key.
NOTE = """
    INSERT INTO events_periodicrun (task, began_at) VALUES (%s, statement_timestamp())
    ON CONFLICT (task) DO UPDATE SET began_at = excluded.began_at
"""


def periodic_task(declared: PeriodicTask) -> Callable[[Callable[[], None]], Task]:
    """Decorate the effect of a periodic task: it becomes a LaneTask without arguments that does
    nothing where another process is at it. Each run is noted."""
    name = declared.name

    def declare(effect: Callable[[], None]) -> Task:
        @shared_task(base=LaneTask, name=name, lane=declared.lane)
        @wraps(effect)
        def alone() -> None:
            with held(name) as taken:
                if taken:
                    with connection.cursor() as cursor:
                        cursor.execute(NOTE, [name])
                    effect()

        return alone

    return declare
