"""Tasks that beat starts. Even if several beats run, only one run of a task works at a time."""

from collections.abc import Callable
from functools import wraps

from celery import shared_task
from django.db import connection

from events.lane_task import LaneTask
from events.lanes import PeriodicTask
from events.locks import held

# Uses the primary key.
NOTE = """
    INSERT INTO events_periodicrun (task, began_at) VALUES (%s, statement_timestamp())
    ON CONFLICT (task) DO UPDATE SET began_at = excluded.began_at
"""


def periodic_task(declared: PeriodicTask) -> Callable[[Callable[[], None]], LaneTask]:
    """Decorate the effect of a periodic task. It becomes a LaneTask without arguments that does
    nothing while another process runs it. Each run is recorded."""
    name = declared.name

    def declare(effect: Callable[[], None]) -> LaneTask:
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
