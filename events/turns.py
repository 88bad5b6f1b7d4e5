"""Processing rows one after the other, when each may fail.

Guarantee: a row that fails does not stop the rows after it, and a round ends in bounded time. The
caller must sort the rows so that the most recently tried ones come last.
"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import connection

# Less than a task's time limit (540 s), and enough for many rows.
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
    """Call `act` with each row until `seconds` are over. Log each error as a failure of `what`,
    with the row, and return the errors. If the connection to the database is lost, raise the error
    at once."""
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
