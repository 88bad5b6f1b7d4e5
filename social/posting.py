"""The open transactions that insert posts.

Guarantee: a transaction that inserts posts, by any statement, is listed here from before it draws
its first id until its posts are visible. A transaction that only updates posts is not listed. A
trigger takes the lock that is read here (migration 0008_posting_lock).
"""

from typing import NamedTuple

from django.db import connection

# The lock's key is (oid of the table, 0). A prepared transaction holds it without a process.
HOLDERS = """
    SELECT lock.virtualtransaction, lock.pid, activity.usename, activity.application_name,
           coalesce(extract(epoch FROM clock_timestamp() - activity.xact_start), 0)
    FROM pg_locks lock LEFT JOIN pg_stat_activity activity USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.objsubid = 2
          AND lock.classid = 'social_post'::regclass AND lock.objid = 0
          AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND lock.pid IS DISTINCT FROM pg_backend_pid()
"""


class Posting(NamedTuple):
    """A transaction that inserts posts. `seconds` is how long it has been open. `pid` is None for a
    prepared transaction; `user` and `application` are None if our role may not see them."""

    transaction: str
    pid: int | None
    user: str | None
    application: str | None
    seconds: float


def transactions() -> list[Posting]:
    """The transactions of other connections."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        return [Posting(*row) for row in cursor]
