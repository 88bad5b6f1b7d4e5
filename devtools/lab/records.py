"""What the database of a run holds: timeline rows, event records, daily counts, what is pending.

The database is the run's own, so that whatever stands in it was to be expected, or was not.
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
# What is due, as in events/outbox.py: a paced replay waits for its time, and for nobody.
PENDING = """
    SELECT count(*) FROM events_outboxevent
    WHERE published_at IS NULL AND due_at <= statement_timestamp()
"""
NEWEST_POST = "SELECT coalesce(max(id), 0) FROM social_post"


def daily_counts(connection) -> dict[str, int]:
    """The METRICS over all days: a run may last past midnight."""
    return dict.fromkeys(METRICS, 0) | dict(query(connection, DAILY))


def pending(connection) -> int:
    """How many events should be published by now."""
    return query(connection, PENDING)[0][0]


def newest_post(connection) -> int:
    """Its id, 0 where there is none."""
    return query(connection, NEWEST_POST)[0][0]


class Records:
    """Reads, each over a connection of its own: the server may go away and come back meanwhile.
    Raises psycopg2.OperationalError while it is away."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def rows(self) -> list[tuple[int, int]]:
        """(post id, owner id) of every timeline row."""
        return self._read(ROWS)

    def count(self, owners: Sequence[int], posts: Sequence[int]) -> int:
        """How many rows there are of these posts in the timelines of these owners."""
        return self._read(COUNT, [list(owners), list(posts)])[0][0]

    def created_posts(self) -> list[int]:
        """The post of each `post.created` that analytics has recorded."""
        return [post_id for (post_id,) in self._read(CREATED)]

    def daily_counts(self) -> dict[str, int]:
        with closing(connect(self._url)) as connection:
            return daily_counts(connection)

    def server(self) -> str:
        """Such as "PostgreSQL 18.4"."""
        ((version,),) = self._read("SHOW server_version")
        return f"PostgreSQL {version.split()[0]}"

    def _read(self, statement: str, parameters: Sequence | None = None) -> list[tuple]:
        with closing(connect(self._url)) as connection:
            return query(connection, statement, parameters)
