"""When no more posts are taken: what cannot be worked off must not fill the disk.

Guarantee: posting is refused before the outbox or the disk is full; reading goes on.
"""

import shutil
import time
from collections.abc import Callable

from django.conf import settings

from events import outbox

# The answer of one look serves all requests of a process for so long.
LOOK_SECONDS = 5.0
RETRY_AFTER_SECONDS = 30


class OverloadedError(Exception):
    """No posts are taken now; the message is for the log."""


class Gauge:
    """Refuses while there is too much pending, or too little disk."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic):
        self._monotonic = monotonic
        self._outbox = outbox.Length()
        self._next_look = 0.0
        self._reason = ""

    def check(self) -> None:
        """Raises OverloadedError."""
        if self._monotonic() >= self._next_look:
            self._reason = self._look()
            self._next_look = self._monotonic() + LOOK_SECONDS
        if self._reason:
            raise OverloadedError(self._reason)

    def _look(self) -> str:
        """Why no posts should be taken; empty where nothing speaks against it."""
        if self._outbox.exceeds(settings.OVERLOAD_PENDING_EVENTS):
            return f"more than {settings.OVERLOAD_PENDING_EVENTS} events are pending"
        disk = shutil.disk_usage(settings.OVERLOAD_DISK_PATH)
        if disk.free < disk.total * settings.OVERLOAD_FREE_DISK:
            return f"less than {settings.OVERLOAD_FREE_DISK:.0%} of the disk is free"
        return ""


gauge = Gauge()
