"""When the beat publishes periodic tasks.

Guarantee: each is published once an interval from the beat's start on, whatever any clock says now
or said before: the schedule is kept in memory and goes by the monotonic clock.
"""

import time
from collections.abc import Callable

from celery.beat import Scheduler


class IntervalScheduler(Scheduler):
    """Named by the `beat_scheduler` setting. Knows intervals only, which are in seconds."""

    def __init__(self, *args, monotonic: Callable[[], float] = time.monotonic, **kwargs):
        self._monotonic = monotonic
        self._due: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def tick(self) -> float:
        """Publish all that is due; returns the seconds until something is due again."""
        for name, entry in list(self.schedule.items()):
            now = self._monotonic()
            if now >= self._due.get(name, now):
                self._due[name] = now + entry.schedule.seconds
                self.apply_entry(entry, producer=self.producer)
        return max(min(self._due.values()) - self._monotonic(), 0.0)

    def close(self) -> None:
        """Say nothing to the broker: a signal handler closes, maybe amid the publication of a task,
        which holds the lock on the connection."""
