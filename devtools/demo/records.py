"""What the database holds after a run: timeline rows, event records, daily counts."""

from collections.abc import Sequence

import psycopg2

# The database is the demo's own, so that whatever stands in it was to be expected, or was not.
ROWS = "SELECT post_id, owner_id FROM timelines_timelineentry"
EVENTS = """
    SELECT (data->>'post_id')::bigint FROM analytics_eventrecord
    WHERE event_type = 'post.created'
"""
STANDING = """
    SELECT count(*) FROM timelines_timelineentry WHERE owner_id = ANY(%s) AND post_id = ANY(%s)
"""
COUNTS = """
    SELECT name, sum(amount)::bigint FROM analytics_rollup, LATERAL (
        VALUES ('posts', posts), ('timeline_rows', reach), ('pushes_sent', pushes_sent),
        ('followers_gained', gained), ('followers_lost', lost)
    ) AS count (name, amount)
    WHERE period = 'day' AND author_id = 0 GROUP BY name
"""
METRICS = ("posts", "timeline_rows", "pushes_sent", "followers_gained", "followers_lost")


class Records:
    """Reads, each over a connection of its own: the server may go away and come back meanwhile.
    Raises psycopg2.OperationalError while it is away."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def rows(self) -> list[tuple[int, int]]:
        """(post id, owner id) of every timeline row."""
        return self._read(ROWS)

    def standing(self, owners: Sequence[int], posts: Sequence[int]) -> int:
        """How many rows there are of these posts in the timelines of these owners."""
        return self._read(STANDING, [list(owners), list(posts)])[0][0]

    def created_posts(self) -> list[int]:
        """The post of each `post.created` that analytics has recorded."""
        return [post_id for (post_id,) in self._read(EVENTS)]

    def daily_counts(self) -> dict[str, int]:
        """The METRICS over all days: a run may last past midnight."""
        found = dict(self._read(COUNTS))
        return {metric: found.get(metric, 0) for metric in METRICS}

    def server(self) -> str:
        """Such as "PostgreSQL 18.4"."""
        ((version,),) = self._read("SHOW server_version")
        return f"PostgreSQL {version.split()[0]}"

    def _read(self, query: str, parameters: Sequence | None = None) -> list[tuple]:
        connection = psycopg2.connect(self._url, connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return cursor.fetchall()
        finally:
            connection.close()
