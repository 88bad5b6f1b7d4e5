"""When the last follower of its author sees a post."""

import threading
import time

from devtools.bench.house import House
from devtools.bench.posting import Posted, Posting
from devtools.lab.latency import Percentiles

LOOK_SECONDS = 0.02
LAST_FOLLOWER = "SELECT max(follower_id) FROM social_follow WHERE followee_id = %s"
VISIBLE = """
    SELECT post_id FROM unnest(%s::bigint[], %s::bigint[]) AS awaited (post_id, owner_id)
    JOIN timelines_timelineentry USING (owner_id, post_id)
"""


class Visibility(threading.Thread):
    """Looks for the posts of `posting` from start() until finish(). Looking takes time from whom
    it looks at, so only who measures this should."""

    def __init__(self, house: House, posting: Posting) -> None:
        super().__init__(daemon=True)
        self._house = house
        self._posting = posting
        self._complete = threading.Event()
        self._last_follower: dict[int, int] = {}
        self._seen_at: dict[int, float] = {}

    def finish(self, patience: float) -> None:
        """Wait at most `patience` seconds until every post was seen."""
        deadline = time.monotonic() + patience
        while self.unseen() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        self._complete.set()
        self.join()

    def unseen(self) -> list[Posted]:
        return [post for post in self._posting.posted if post.post_id not in self._seen_at]

    @property
    def latencies(self) -> Percentiles:
        """From the answer to the last follower's timeline."""
        return Percentiles.of(
            max(self._seen_at[post.post_id] - post.answered_at, 0.0)
            for post in self._posting.posted
            if post.post_id in self._seen_at
        )

    def run(self) -> None:
        connection = self._house.connect()
        with connection.cursor() as cursor:
            while not self._complete.is_set():
                time.sleep(LOOK_SECONDS)
                if waiting := self.unseen():
                    owners = [self._owner(cursor, post.author) for post in waiting]
                    cursor.execute(VISIBLE, [[post.post_id for post in waiting], owners])
                    now = time.monotonic()
                    self._seen_at |= dict.fromkeys((post_id for (post_id,) in cursor), now)
        connection.close()

    def _owner(self, cursor, author: int) -> int:
        if author not in self._last_follower:
            cursor.execute(LAST_FOLLOWER, [author])
            (self._last_follower[author],) = cursor.fetchone()
        return self._last_follower[author]
