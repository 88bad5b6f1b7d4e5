"""Lanes, which are Celery queues, and the periodic tasks that the beat puts into them.

An app that is a subscriber declares its own with the subscriber (see registry.py), any other app in
a module `maintenance.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings

LEAST_EXPIRATION = 30.0


@dataclass(frozen=True)
class Lane:
    """A Celery queue, and how it is served.

    `worker` is the process that serves it; by default the lane has one of its own, which is called
    after it. `concurrency` is how many of its tasks that process runs at once; a process of several
    lanes takes the highest. `limit` is how many tasks the lane holds before its subscriber takes no
    more events: a number or the name of a setting.
    """

    name: str
    concurrency: int = 1
    worker: str = ""
    limit: int | str | None = None

    @property
    def process(self) -> str:
        return f"{self.worker or self.name.replace('.', '-')}-worker"

    @property
    def tasks_at_most(self) -> int | None:
        return getattr(settings, self.limit) if isinstance(self.limit, str) else self.limit


@dataclass(frozen=True)
class PeriodicTask:
    """A task that the beat publishes every `seconds` seconds into `lane`.

    A run that nobody has taken when the next one is due is dropped, so that runs do not pile up
    while their worker is away. RabbitMQ drops only what has reached the head of its queue: a lane
    of periodic tasks holds nothing else, or little. `least_expiration` (seconds) is for short
    intervals: a worker that is busy for so long still finds the run.
    """

    name: str
    seconds: float
    lane: str
    least_expiration: float = LEAST_EXPIRATION

    @property
    def expiration(self) -> float:
        return max(self.seconds, self.least_expiration)


lanes: dict[str, Lane] = {}
periodic_tasks: dict[str, PeriodicTask] = {}


def register_lanes(own: Iterable[Lane] = (), periodic: Iterable[PeriodicTask] = ()) -> None:
    """Register an app's lanes, and its periodic tasks, which may run in any app's lane."""
    for lane in own:
        register(lanes, lane)
    for task in periodic:
        register(periodic_tasks, task)


Entry = TypeVar("Entry")


def register(registry: dict[str, Entry], entry: Entry) -> Entry:
    """Raises ValueError for another entry of the same name."""
    if registry.setdefault(entry.name, entry) != entry:
        raise ValueError(f"{entry.name!r} is registered twice, and differently")
    return entry
