"""Faults that do not heal by themselves: transactions left open, a watermark that does not move, a
beat that does not run. Reported by doctor, lag, the operations page and the alerts.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from events import limits
from events.ailments import Ailment
from social import posting

# PostgreSQL ends transactions that are idle for 20 s, unless a session has switched that off.
OPEN_SECONDS = 20
# The shortest interval of a periodic task is 5 s.
BEAT_SECONDS = 60
# The watermark waits up to 60 s for a late post (fanout/ledger.py), and is raised every 5 s.
WATERMARK_SECONDS = 90

# Shows the state of other roles' sessions only if this role is a member of pg_monitor.
OPEN = """
    SELECT pid, usename, application_name, extract(epoch FROM clock_timestamp() - state_change),
           format('SELECT pg_terminate_backend(%%s)', pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%%'
          AND clock_timestamp() - state_change > make_interval(secs => %(seconds)s)
    UNION ALL
    SELECT NULL, owner, 'PREPARE TRANSACTION', extract(epoch FROM clock_timestamp() - prepared),
           format('ROLLBACK PREPARED %%L', gid)
    FROM pg_prepared_xacts
    WHERE database = current_database()
          AND clock_timestamp() - prepared > make_interval(secs => %(seconds)s)
    ORDER BY 4 DESC
"""
# The age of the first post that the watermark has not passed. Uses the primary key.
STANDS = """
    SELECT extract(epoch FROM statement_timestamp() - created_at) FROM social_post
    WHERE id > coalesce((SELECT post_id FROM timelines_watermark), 0) ORDER BY id LIMIT 1
"""
SILENT = "SELECT extract(epoch FROM statement_timestamp() - max(began_at)) FROM events_periodicrun"


class OpenTransaction(NamedTuple):
    """A transaction whose client has been silent for `seconds`, and the statement that ends it."""

    pid: int | None
    user: str
    application: str
    seconds: float
    end: str


def open_transactions() -> list[OpenTransaction]:
    """Return the transactions idle for longer than OPEN_SECONDS, the longest first."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"seconds": OPEN_SECONDS})
        return [OpenTransaction(*row) for row in cursor]


def watermark_seconds() -> float:
    """Return the age of the oldest post that the watermark has not passed; 0 if there is none.
    Clients that read forward do not see posts beyond the watermark, except for a few."""
    return max(_seconds(STANDS) or 0.0, 0.0)


def beat_seconds() -> float | None:
    """Return the seconds since a periodic task last began; None if none ever has."""
    return _seconds(SILENT)


def ailments(now: datetime) -> Iterator[Ailment]:
    """An examination for the doctor (see doctor.py)."""
    for each in open_transactions():
        who = f"pid {each.pid}, user {each.user}, {each.application}"
        what = f"a transaction has been left open for {each.seconds:.0f} s ({who})"
        yield Ailment(what, f"end it there, or in psql: {each.end}")
    if (seconds := watermark_seconds()) > WATERMARK_SECONDS:
        yield Ailment(f"the watermark has not moved for {seconds:.0f} s", _why_it_stands())
    silent = beat_seconds()
    if silent is None or silent > BEAT_SECONDS:
        what = "ever" if silent is None else f"for {silent:.0f} s"
        mend = "celery -A celery_app beat; and the worker of operations.low"
        yield Ailment(f"beat is silent: no periodic task has begun {what}", mend)
    if not 0 < limits.idle_seconds() <= limits.BOUND_SECONDS:
        mend = "; ".join(limits.missing()) or "see idle_in_transaction_session_timeout"
        what = "PostgreSQL lets an idle transaction keep its locks"
        yield Ailment(what, f"as the database's owner manage.py migrate, or in psql: {mend}")


def _why_it_stands() -> str:
    if holders := sorted(posting.transactions(), key=lambda each: -each.seconds):
        pid, seconds = holders[0].pid, holders[0].seconds
        return f"pid {pid} has been posting for {seconds:.0f} s: SELECT pg_terminate_backend({pid})"
    return "start what manage.py lag calls late; is beat running?"


def _seconds(sql: str) -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return None if row is None or row[0] is None else float(row[0])
