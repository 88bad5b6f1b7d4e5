"""Notes when posts arrive in timelines: a thread polls PostgreSQL on a separate connection.

A post has arrived when a poll sees the last of its rows. Polling shares the machine with what is
being measured, so a poll looks up only the first and the last follower of each post, and all of
them once those two have it.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing

import psycopg2

from devtools.lab.database import connect, query

POLL_SECONDS = 0.04
# Otherwise a table without statistics would be scanned completely.
PLAN = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"

# Both statements use the primary key.
SENTINELS = """
    SELECT entry.post_id, count(*)
    FROM unnest(%s::bigint[], %s::bigint[]) AS sentinel (owner_id, post_id)
    JOIN timelines_timelineentry entry USING (owner_id, post_id)
    GROUP BY entry.post_id
"""
ROWS = """
    SELECT owner_id FROM timelines_timelineentry WHERE post_id = %s AND owner_id = ANY(%s)
"""


class Arrivals:
    """Runs within its context. `rows` counts the rows seen; `at` holds the time.monotonic() of each
    post that has arrived, by post id."""

    def __init__(self, database_url: str, poll_seconds: float = POLL_SECONDS) -> None:
        self.rows = 0
        self.at: dict[int, float] = {}
        self._url = database_url
        self._poll_seconds = poll_seconds
        self._announced: deque[tuple[int, Sequence[int]]] = deque()
        self._awaited: dict[int, list[int]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arrivals", daemon=True)

    def __enter__(self) -> "Arrivals":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def expect(self, post_id: int, owners: Sequence[int]) -> None:
        """From now on, look for this post in the timelines of these users."""
        self._announced.append((post_id, owners))

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with closing(connect(self._url, PLAN)) as connection:
                    self._poll_on(connection)
            except psycopg2.OperationalError:
                # The server is down. No row is seen meanwhile, and the latency will show it.
                self._ended.wait(0.5)

    def _poll_on(self, connection) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._poll_seconds, time.monotonic())
            while self._announced:
                post_id, owners = self._announced.popleft()
                self._awaited[post_id] = sorted(owners)
            if self._awaited:
                self._poll(connection)

    def _poll(self, connection) -> None:
        sentinels = [
            (owner, post_id)
            for post_id, owners in self._awaited.items()
            for owner in {owners[0], owners[-1]}
        ]
        columns = [list(column) for column in zip(*sentinels, strict=True)]
        for post_id, seen in query(connection, SENTINELS, columns):
            owners = self._awaited[post_id]
            if seen == len({owners[0], owners[-1]}):
                self._count_rows(connection, post_id, owners)

    def _count_rows(self, connection, post_id: int, owners: list[int]) -> None:
        seen = {owner for (owner,) in query(connection, ROWS, [post_id, owners])}
        now = time.monotonic()
        self.rows += len(seen)
        self._awaited[post_id] = [owner for owner in owners if owner not in seen]
        if not self._awaited[post_id]:
            del self._awaited[post_id]
            self.at[post_id] = now
