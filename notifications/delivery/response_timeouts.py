"""How long an attempt waits for a push service's response.

Guarantee: time in which this process stood still or was busy does not count towards the timeout. A
slow service gets enough time, so that a push which it accepts is not sent a second time.
"""

import asyncio
from collections.abc import Callable

import structlog

from notifications.reasons import describe, frames

log = structlog.get_logger(__name__)

MIN_TIMEOUT_SECONDS = 15.0
MAX_TIMEOUT_SECONDS = 60.0
# The timeout is this many times the slowest recent response.
TIMES_SLOWEST = 5.0
# With each response, the slowest one shrinks by a thousandth, so that it is forgotten in time.
DECAY = 0.999
TICK_SECONDS = 0.05
# A tick that comes later than this shows that the event loop is busy: then the wait is for this
# process, and not for a service.
LATE_SECONDS = 0.025


class ResponseTimeout:
    """The timeout for one origin: `seconds` follows the response times that were seen, and doubles
    when it was too short."""

    def __init__(self) -> None:
        self._slowest = 0.0
        self._doubled_at = 0.0

    @property
    def seconds(self) -> float:
        return min(MAX_TIMEOUT_SECONDS, max(MIN_TIMEOUT_SECONDS, TIMES_SLOWEST * self._slowest))

    def note_response(self, seconds: float) -> None:
        self._slowest = max(seconds, DECAY * self._slowest)

    def note_timeout(self, started_at: float, now: float) -> None:
        """Double the timeout. Many attempts that started together and timed out together double it
        only once."""
        if started_at >= self._doubled_at:
            self._slowest = 2 * self.seconds / TIMES_SLOWEST
            self._doubled_at = now


class LoopClock:
    """A clock that counts only the time in which the event loop runs: `elapsed`, in seconds. A
    standstill counts as two ticks, however long it was. `on_time` is True while the event loop has
    nothing to do but wait for the services."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_tick: Callable[[], bool]) -> None:
        """`on_tick` is called at each tick; the clock runs until it returns False."""
        self.elapsed = 0.0
        self.on_time = True
        self._loop = loop
        self._on_tick = on_tick
        self._running = False
        self._due_at = 0.0

    def start(self) -> None:
        if not self._running:
            self._running = True
            self._next()

    def _next(self) -> None:
        self._due_at = self._loop.time() + TICK_SECONDS
        self._loop.call_at(self._due_at, self._tick)

    def _tick(self) -> None:
        late = self._loop.time() - self._due_at
        self.on_time = late < LATE_SECONDS
        self.elapsed += TICK_SECONDS + min(late, TICK_SECONDS)
        try:
            self._running = self._on_tick()
        except Exception as error:
            # Keep ticking: without the clock no attempt would ever time out.
            log.error("an error in a clock tick", error=describe(error), frames=frames(error))
        if self._running:
            self._next()
