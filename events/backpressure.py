"""Back-pressure: a consumer takes no events while its lanes are full.

Guarantee: under overload one small message per post waits in the subscriber's own queue. The lanes,
which have no limit at the broker, do not grow without bound.
"""

import time
from collections.abc import Callable, Mapping

from events import depths, links
from events.holding import Hold


class BacklogHold(Hold):
    """Holds while one of the lanes contains at least as many tasks as its limit."""

    log_messages = ("lanes are full, events wait", "lanes have room again")

    def __init__(
        self,
        subscriber: str,
        broker_url: str,
        limits: Mapping[str, int],
        monotonic: Callable[[], float] = time.monotonic,
    ):
        super().__init__(subscriber, monotonic)
        # No heartbeats: each check, once a second, notices a dead connection anyway.
        self._connection = links.connect(broker_url)
        self._limits = limits

    def check(self) -> bool:
        found = depths.ready_by(self._connection, self._limits)
        return any(found[lane] >= limit for lane, limit in self._limits.items())

    def disconnect(self) -> None:
        self._connection.collect()
