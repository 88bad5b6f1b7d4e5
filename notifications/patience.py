"""How long the answer of a push service is waited for.

Guarantee: time in which this process itself stood still or was busy is not held against a service,
and a service that is slow is waited for long enough that what it accepts is not sent again.
"""

import asyncio
from collections.abc import Callable

import structlog

from notifications.reasons import frames, words

log = structlog.get_logger(__name__)

LEAST_SECONDS = 15.0
MOST_SECONDS = 60.0
# How many times the slowest answer lately an answer may take.
TIMES = 5.0
# The slowest is forgotten by a thousandth with each answer.
FORGOTTEN = 0.999
PULSE_SECONDS = 0.05
# A pulse that is later than this shows that the event loop, not a service, is what is waited for.
LATE_SECONDS = 0.025


class Patience:
    """For one origin. `seconds` follow what the service is seen to take, and double where they were
    not enough."""

    def __init__(self) -> None:
        self._slowest = 0.0
        self._doubled_at = 0.0

    @property
    def seconds(self) -> float:
        return min(MOST_SECONDS, max(LEAST_SECONDS, TIMES * self._slowest))

    def answered(self, seconds: float) -> None:
        self._slowest = max(seconds, FORGOTTEN * self._slowest)

    def ran_out(self, began_at: float, now: float) -> None:
        """An attempt begun then got no answer. Many that began together are one experience."""
        if began_at >= self._doubled_at:
            self._slowest = 2 * self.seconds / TIMES
            self._doubled_at = now


class Pulse:
    """The time that the event loop has lived through, while it runs: `lived` in seconds, of which
    a standstill counts as two pulses however long it was. `on_time` says that the loop has nothing
    else to do than to wait for the services."""

    def __init__(self, loop: asyncio.AbstractEventLoop, beat: Callable[[], bool]) -> None:
        """`beat` is called at each pulse, which go on until it returns False."""
        self.lived = 0.0
        self.on_time = True
        self._loop = loop
        self._beat = beat
        self._running = False
        self._due_at = 0.0

    def start(self) -> None:
        if not self._running:
            self._running = True
            self._next()

    def _next(self) -> None:
        self._due_at = self._loop.time() + PULSE_SECONDS
        self._loop.call_at(self._due_at, self._pulse)

    def _pulse(self) -> None:
        late = self._loop.time() - self._due_at
        self.on_time = late < LATE_SECONDS
        self.lived += PULSE_SECONDS + min(late, PULSE_SECONDS)
        try:
            self._running = self._beat()
        except Exception as error:
            # Without a pulse no answer would be given up any more.
            log.error("a pulse raised", error=words(error), frames=frames(error))
        if self._running:
            self._next()
