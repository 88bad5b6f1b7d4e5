"""Reads what a run's database holds: timeline rows, event records, daily counts, pending events.

Only this run uses the database, so everything in it is either expected or an error.
"""

from collections.abc import Sequence
from contextlib import closing

from devtools.lab.database import connect, query

ROWS = "SELECT post_id, owner_id FROM timelines_timelineentry"
CREATED = """
    SELECT (data->>'post_id')::bigint FROM analytics_eventrecord
    WHERE event_type = 'post.created'
"""
COUNT = """
    SELECT count(*) FROM timelines_timelineentry WHERE owner_id = ANY(%s) AND post_id = ANY(%s)
"""
DAILY = """
    SELECT name, sum(amount)::bigint FROM analytics_rollup, LATERAL (
        VALUES ('posts', posts), ('timeline_rows', reach), ('pushes_sent', pushes_sent),
        ('followers_gained', gained), ('followers_lost', lost)
    ) AS count (name, amount)
    WHERE period = 'day' AND author_id = 0 GROUP BY name
"""
METRICS = ("posts", "timeline_rows", "pushes_sent", "followers_gained", "followers_lost")
# Events that are due, as in events/outbox.py. A paced replay waits for its time and is not pending.
PENDING = """
    SELECT count(*) FROM events_outboxevent
    WHERE published_at IS NULL AND due_at <= statement_timestamp()
"""
NEWEST_POST = "SELECT coalesce(max(id), 0) FROM social_post"


def daily_counts(connection) -> dict[str, int]:
    """Totals of METRICS over all days, because a run may last past midnight."""
    return dict.fromkeys(METRICS, 0) | dict(query(connection, DAILY))


def pending(connection) -> int:
    """How many events should have been published by now."""
    return query(connection, PENDING)[0][0]


def newest_post(connection) -> int:
    """The newest post's id, or 0."""
    return query(connection, NEWEST_POST)[0][0]


class Records:
    """Each method uses a new connection, because the server may stop and start again in between.
    Raises psycopg2.OperationalError while it is down."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def rows(self) -> list[tuple[int, int]]:
        """(post id, owner id) of every timeline row."""
        return self._read(ROWS)

    def count(self, owners: Sequence[int], posts: Sequence[int]) -> int:
        """How many rows these posts have in these owners' timelines."""
        return self._read(COUNT, [list(owners), list(posts)])[0][0]

    def created_posts(self) -> list[int]:
        """The post id of each `post.created` event that analytics has recorded."""
        return [post_id for (post_id,) in self._read(CREATED)]

    def daily_counts(self) -> dict[str, int]:
        with closing(connect(self._url)) as connection:
            return daily_counts(connection)

    def server(self) -> str:
        """For example "PostgreSQL 18.4"."""
        ((version,),) = self._read("SHOW server_version")
        return f"PostgreSQL {version.split()[0]}"

    def _read(self, statement: str, parameters: Sequence | None = None) -> list[tuple]:
        with closing(connect(self._url)) as connection:
            return query(connection, statement, parameters)
