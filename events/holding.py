"""When a consumer takes nothing for a while, so that its events wait in their queue."""

import time
from collections.abc import Callable

import structlog

from events.errors import PassingError, told_apart

LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Sign:
    """Tells a consumer whether to hold; looks once a second at most, and stays with what it saw
    last where it cannot see. `told` are the words for the log, raised and lowered."""

    told = ("held", "goes on")

    def __init__(self, subscriber: str, monotonic: Callable[[], float] = time.monotonic):
        self.subscriber = subscriber
        self._monotonic = monotonic
        self._next_look = 0.0
        self._seen = False

    def __call__(self) -> bool:
        if self._monotonic() >= self._next_look:
            self._next_look = self._monotonic() + LOOK_SECONDS
            try:
                with told_apart():
                    self._see(self.look())
            except PassingError:
                self.renew()
        return self._seen

    def look(self) -> bool:
        """Raises an error that passes where it cannot see."""
        raise NotImplementedError

    def renew(self) -> None:
        """Give up the connection by which it could not see."""
        raise NotImplementedError

    def _see(self, up: bool) -> None:
        if up != self._seen:
            raised, lowered = self.told
            log.warning(raised if up else lowered, subscriber=self.subscriber)
        self._seen = up
