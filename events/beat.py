"""The schedule by which Celery's beat publishes periodic tasks.

Guarantee: beat publishes each task once per interval, beginning when beat starts. Changes of the
system clock have no effect: the schedule is kept in memory and uses the monotonic clock.
"""

import time
from collections.abc import Callable
from typing import Any

from celery.beat import Scheduler
from celery.schedules import schedule


class IntervalScheduler(Scheduler):
    """The scheduler that Celery's `beat_scheduler` setting names. Supports only intervals, in
    seconds."""

    def __init__(
        self, *args: Any, monotonic: Callable[[], float] = time.monotonic, **kwargs: Any
    ) -> None:
        self._monotonic = monotonic
        self._due: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def tick(self, *_: object, **__: object) -> float:
        """Publish every task that is due; return the seconds until the next one is due."""
        for name, entry in list(self.schedule.items()):
            every, now = entry.schedule, self._monotonic()
            if now >= self._due.get(name, now):
                assert isinstance(every, schedule)
                self._due[name] = now + every.seconds
                self.apply_entry(entry, producer=self.producer)
        return max(min(self._due.values()) - self._monotonic(), 0.0)

    def close(self) -> None:
        """Send nothing to the broker. A signal handler calls this, perhaps while a task is being
        published, and then the connection's lock is already taken."""
