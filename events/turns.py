"""Rows that are worked off one after the other, of which each may fail.

Guarantee: a row that fails keeps no other from its turn, and a round ends in bounded time. A caller
orders its rows so that those that were tried last come last.
"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import connection

# Shorter than a task may take, and long enough for many rows.
ROUND_SECONDS = 60.0

T = TypeVar("T")
log = structlog.get_logger(__name__)


def each_in_turn(
    rows: Iterable[T],
    act: Callable[[T], object],
    *,
    what: str,
    seconds: float = ROUND_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Exception]:
    """Call `act` with each row until `seconds` are over; returns the errors, which are logged as
    failures of `what`, with the row. Raises an error at once where the database is lost with it."""
    end = monotonic() + seconds
    failures = []
    for row in rows:
        try:
            act(row)
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            if connection.connection is not None and not connection.is_usable():
                raise
            log.warning(f"{what} failed", row=row, error=type(error).__qualname__)
            failures.append(error)
        if monotonic() > end:
            break
    return failures
