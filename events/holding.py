"""Holds: reasons for a consumer to take no messages for a while; its events wait in the queue."""

import time
from collections.abc import Callable

import structlog

from events.errors import PassingError, wrap_passing_errors

POLL_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Hold:
    """Returns True while a consumer must hold. Calls check() at most once per POLL_SECONDS, and
    keeps the last answer while check() fails. `log_messages` are logged when a hold begins and
    ends."""

    log_messages = ("held", "resumed")

    def __init__(self, subscriber: str, monotonic: Callable[[], float] = time.monotonic):
        self.subscriber = subscriber
        self._monotonic = monotonic
        self._next_check = 0.0
        self._held = False

    def __call__(self) -> bool:
        if self._monotonic() >= self._next_check:
            self._next_check = self._monotonic() + POLL_SECONDS
            try:
                with wrap_passing_errors():
                    self._update(self.check())
            except PassingError:
                self.disconnect()
        return self._held

    def check(self) -> bool:
        """Return whether to hold now. Raises a passing error if that cannot be found out."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Close the connection on which check() failed; the next check() opens a new one."""
        raise NotImplementedError

    def _update(self, held: bool) -> None:
        if held != self._held:
            began, ended = self.log_messages
            log.warning(began if held else ended, subscriber=self.subscriber)
        self._held = held
