"""Overload protection: requests are refused before pending events fill the disk.

Guarantee: requests that add to the outbox are refused before the outbox or the disk is full.
Requests that serve people's safety and privacy (deleting, unfollowing, blocking, closing) have a
reserve beyond that limit, which other requests cannot use up. Reading continues.
"""

import shutil
import time
from collections.abc import Callable

from django.conf import settings

from events import outbox

# A process measures at most this often; the result holds for all its requests until then.
MEASURE_SECONDS = 5.0
RETRY_AFTER_SECONDS = 30


class OverloadedError(Exception):
    """A request is refused because of overload; the message is for the log."""


class Gauge:
    """Refuses requests while too many events are pending or too little disk is free."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic):
        self._monotonic = monotonic
        self._ordinary, self._reserved = outbox.Length(), outbox.Length()
        self._measure_at = 0.0
        self._reason = self._reason_beyond = ""

    def check(self) -> None:
        """Call before posting, editing, following or registering. Raises OverloadedError."""
        self._refresh()
        if self._reason:
            raise OverloadedError(self._reason)

    def check_reserve(self) -> None:
        """Call before deleting, unfollowing, blocking or closing an account. Raises
        OverloadedError once the reserve is used up too."""
        self._refresh()
        if self._reason_beyond:
            raise OverloadedError(self._reason_beyond)

    def _refresh(self) -> None:
        if self._monotonic() < self._measure_at:
            return
        events, disk = settings.OVERLOAD_PENDING_EVENTS, settings.OVERLOAD_FREE_DISK
        self._reason = _measure(self._ordinary, events, disk)
        # Measuring against the reserve costs a query, so do it only above the ordinary limit.
        reserve = settings.OVERLOAD_RESERVE
        self._reason_beyond = self._reason and _measure(
            self._reserved, int(events * (1 + reserve)), disk * (1 - reserve)
        )
        self._measure_at = self._monotonic() + MEASURE_SECONDS


def _measure(length: outbox.Length, events: int, free: float) -> str:
    """The reason to refuse requests; empty if there is none. `free` is a share of the disk."""
    if length.exceeds(events):
        return f"more than {events} events are pending"
    disk = shutil.disk_usage(settings.OVERLOAD_DISK_PATH)
    if disk.free < disk.total * free:
        return f"less than {free:.0%} of the disk is free"
    return ""


gauge = Gauge()
