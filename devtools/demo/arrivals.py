"""Sees posts arrive in timelines: a thread that polls PostgreSQL on a connection of its own.

A post has arrived with the poll that saw the last of its rows. It shares the machine with those
whom it measures, so it asks for the first and the last follower of each post only, and for all of
them once these two are there.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence

import psycopg2

POLL_SECONDS = 0.04
# A table without statistics would otherwise be read from end to end.
PLAN = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"

# Both by the primary key.
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
    """Runs within its context. `rows` counts the rows seen; `at` holds time.monotonic() by post
    id for posts that have arrived."""

    def __init__(self, database_url: str) -> None:
        self.rows = 0
        self.at: dict[int, float] = {}
        self._url = database_url
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
                connection = psycopg2.connect(self._url, options=PLAN, connect_timeout=5)
                connection.autocommit = True
                with connection.cursor() as cursor:
                    self._poll_on(cursor)
                connection.close()
            except psycopg2.OperationalError:
                # The server is away: no row is seen meanwhile, which the latency will show.
                self._ended.wait(0.5)

    def _poll_on(self, cursor) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + POLL_SECONDS, time.monotonic())
            while self._announced:
                post_id, owners = self._announced.popleft()
                self._awaited[post_id] = sorted(owners)
            if self._awaited:
                self._poll(cursor)

    def _poll(self, cursor) -> None:
        sentinels = [
            (owner, post_id)
            for post_id, owners in self._awaited.items()
            for owner in {owners[0], owners[-1]}
        ]
        cursor.execute(SENTINELS, [list(column) for column in zip(*sentinels, strict=True)])
        for post_id, seen in cursor.fetchall():
            owners = self._awaited[post_id]
            if seen == len({owners[0], owners[-1]}):
                self._look(cursor, post_id, owners)

    def _look(self, cursor, post_id: int, owners: list[int]) -> None:
        cursor.execute(ROWS, [post_id, owners])
        seen = {row[0] for row in cursor}
        now = time.monotonic()
        self.rows += len(seen)
        self._awaited[post_id] = [owner for owner in owners if owner not in seen]
        if not self._awaited[post_id]:
            del self._awaited[post_id]
            self.at[post_id] = now
