"""Who is posting at this moment.

Guarantee: a transaction that inserts posts, by whatever way, is seen here from before the first id
is drawn until its posts are visible. One that only changes posts is not. A trigger takes the lock
(migration 0008_posting_lock).
"""

from typing import NamedTuple

from django.db import connection

# The lock's key is the table's oid and 0. A prepared transaction holds it without a process.
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
    """A transaction that inserts posts, and for how many seconds it has been open. `user` and
    `application` are None where this role must not see them."""

    transaction: str
    pid: int | None
    user: str | None
    application: str | None
    seconds: float


def transactions() -> list[Posting]:
    """Those of other connections."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        return [Posting(*row) for row in cursor]
