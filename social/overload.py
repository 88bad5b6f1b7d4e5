"""When no more is taken: what cannot be worked off must not fill the disk.

Guarantee: what adds to the outbox is refused before the outbox or the disk is full. What people do
for their safety and privacy has a reserve of its own beyond that, which nothing else uses up.
Reading goes on.
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
    """Nothing of this kind is taken now; the message is for the log."""


class Gauge:
    """Refuses while there is too much pending, or too little disk."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic):
        self._monotonic = monotonic
        self._ordinary, self._reserved = outbox.Length(), outbox.Length()
        self._next_look = 0.0
        self._reason = self._reason_beyond = ""

    def check(self) -> None:
        """Before posting, editing, following or registering. Raises OverloadedError."""
        self._look_sometimes()
        if self._reason:
            raise OverloadedError(self._reason)

    def check_reserve(self) -> None:
        """Before deleting, unfollowing, blocking or closing an account. Raises OverloadedError."""
        self._look_sometimes()
        if self._reason_beyond:
            raise OverloadedError(self._reason_beyond)

    def _look_sometimes(self) -> None:
        if self._monotonic() < self._next_look:
            return
        events, disk = settings.OVERLOAD_PENDING_EVENTS, settings.OVERLOAD_FREE_DISK
        self._reason = _look(self._ordinary, events, disk)
        # The second look is made, and costs something, only where the first found too much.
        reserve = settings.OVERLOAD_RESERVE
        self._reason_beyond = self._reason and _look(
            self._reserved, int(events * (1 + reserve)), disk * (1 - reserve)
        )
        self._next_look = self._monotonic() + LOOK_SECONDS


def _look(length: outbox.Length, events: int, free: float) -> str:
    """Why nothing should be taken; empty where nothing speaks against it."""
    if length.exceeds(events):
        return f"more than {events} events are pending"
    disk = shutil.disk_usage(settings.OVERLOAD_DISK_PATH)
    if disk.free < disk.total * free:
        return f"less than {free:.0%} of the disk is free"
    return ""


gauge = Gauge()
