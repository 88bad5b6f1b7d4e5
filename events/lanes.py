"""Lanes, which are Celery queues, and the periodic tasks that beat puts into them.

A subscriber declares its lanes in its registration (see registry.py); any other app declares them
in a module `maintenance.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from django.conf import settings

LEAST_EXPIRATION = 30.0


@dataclass(frozen=True)
class Lane:
    """A Celery queue, and how it is served.

    `worker` names the process that serves it. By default the lane has its own process, which is
    named after the lane. `concurrency` is how many tasks the process runs at once; if it serves
    several lanes, the highest value applies. `limit` is how many tasks the lane may hold before its
    subscriber takes no more events: a number, or the name of a setting. `variables` are the
    environment variables that its tasks need beside the addresses of PostgreSQL and RabbitMQ, which
    every worker gets. A deployed process gets no other secret.
    """

    name: str
    concurrency: int = 1
    worker: str = ""
    limit: int | str | None = None
    variables: Sequence[str] = ()

    @property
    def process(self) -> str:
        return f"{self.worker or self.name.replace('.', '-')}-worker"

    @property
    def tasks_at_most(self) -> int | None:
        return getattr(settings, self.limit) if isinstance(self.limit, str) else self.limit


@dataclass(frozen=True)
class PeriodicTask:
    """A task that beat publishes every `seconds` seconds into `lane`.

    The broker drops a run that is still waiting when the next one is due, so that runs do not pile
    up while their worker is away. RabbitMQ drops only messages at the head of a queue, so a lane of
    periodic tasks must hold little else. For short intervals, `least_expiration` (seconds) keeps a
    run for longer, so that a busy worker still gets it.
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
    """Register an app's lanes and its periodic tasks. A periodic task may use the lane of another
    app."""
    for lane in own:
        register(lanes, lane)
    for task in periodic:
        register(periodic_tasks, task)


class Named(Protocol):
    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


def register(registry: dict[str, Entry], entry: Entry) -> Entry:
    """Add the entry and return it. Raises ValueError if a different entry has the same name."""
    if registry.setdefault(entry.name, entry) != entry:
        raise ValueError(f"{entry.name!r} is registered twice, and differently")
    return entry
