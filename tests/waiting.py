"""Waiting for what other processes do."""

import time
from collections.abc import Callable

from django.db import connection

# Other databases of the server have tests of their own. A transaction id that somebody waits for is
# of no database, but its waiter always holds a lock in its own. pg_stat_activity would say it too,
# but shows the same sessions until the end of the transaction that asks.
LOCK_WAITERS = """
    SELECT DISTINCT locktype FROM pg_locks
    WHERE NOT granted AND pid IN (
        SELECT pid FROM pg_locks
        WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""


def until(condition: Callable[[], object], seconds: float = 30.0, every: float = 0.05):
    """The first true value of `condition`; an assertion error when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition()!r}"
        time.sleep(every)


def awaited_locks() -> set[str]:
    """The types of the locks that sessions of this database wait for, such as advisory."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_WAITERS)
        return {row[0] for row in cursor}
