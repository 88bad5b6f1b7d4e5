"""Back-pressure: a consumer takes no events while its lanes hold enough tasks.

Guarantee: overload waits as one small message a post in the subscriber's own queue, and never as
tasks without end in a lane, which has no limit at the broker.
"""

import time
from collections.abc import Callable, Mapping

from events import depths, links
from events.holding import Sign


class BacklogSign(Sign):
    """Raised while one of the lanes holds as many tasks as its limit says, or more."""

    told = ("lanes are full, events wait", "lanes have room again")

    def __init__(
        self,
        subscriber: str,
        broker_url: str,
        limits: Mapping[str, int],
        monotonic: Callable[[], float] = time.monotonic,
    ):
        super().__init__(subscriber, monotonic)
        # Without heartbeats: it is silent for a second at a time, and each look finds a dead link.
        self._connection = links.connect(broker_url)
        self._limits = limits

    def look(self) -> bool:
        found = depths.ready_by(self._connection, self._limits)
        return any(found[lane] >= limit for lane, limit in self._limits.items())

    def renew(self) -> None:
        self._connection.collect()
