"""Tasks that the beat starts: however many beats there are, one at a time does the work."""

from collections.abc import Callable
from functools import wraps

from celery import Task, shared_task

from events.lane_task import LaneTask
from events.locks import held


def periodic_task(name: str, *, lane: str) -> Callable[[Callable[[], None]], Task]:
    """Declare with `@periodic_task("<app>.<verb>_<noun>", lane="<app>.<lane>")`: a LaneTask without
    arguments that does nothing where another process is at it."""

    def declare(effect: Callable[[], None]) -> Task:
        @shared_task(base=LaneTask, name=name, lane=lane)
        @wraps(effect)
        def alone() -> None:
            with held(name) as taken:
                if taken:
                    effect()

        return alone

    return declare
