"""People who post over HTTP at a steady rate, whatever else goes on, and when the last of their
followers sees it."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.house import House
from demo.api import Api, ApiError
from stack.latency import Percentiles

LOOK_SECONDS = 0.02
LAST_FOLLOWERS = """
    SELECT author, (SELECT max(follower_id) FROM social_follow WHERE followee_id = author)
    FROM unnest(%s::bigint[]) AS author
"""
VISIBLE = """
    SELECT post_id FROM unnest(%s::bigint[], %s::bigint[]) AS awaited (post_id, owner_id)
    JOIN timelines_timelineentry USING (owner_id, post_id)
"""


@dataclass
class Posted:
    """A post's times, in monotonic seconds; `seen_at` by its author's last follower."""

    post_id: int
    author: int
    asked_at: float
    answered_at: float
    seen_at: float | None = None


class Posting(threading.Thread):
    """Posts by `authors` in turn from start() until finish()."""

    def __init__(self, house: House, authors: Sequence[int], rate: float) -> None:
        super().__init__(daemon=True)
        self._house = house
        self._authors = sorted(authors)
        self._tokens = house.ask("bench.inside", "tokens", given=self._authors)
        self._rate = rate
        self._stopped = threading.Event()
        self._complete = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.posted: list[Posted] = []
        self.failed: list[str] = []

    def run(self) -> None:
        self._watcher.start()
        asyncio.run(self._post())

    def finish(self, patience: float) -> None:
        """Post no more, and wait at most `patience` seconds until every post was seen."""
        self._stopped.set()
        self.join()
        deadline = time.monotonic() + patience
        while self.unseen() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        self._complete.set()
        self._watcher.join()

    def unseen(self) -> list[Posted]:
        return [post for post in self.posted if post.seen_at is None]

    @property
    def visible(self) -> Percentiles:
        """From the answer to the last follower's timeline."""
        seen = [post for post in self.posted if post.seen_at is not None]
        return Percentiles.of(max(post.seen_at - post.answered_at, 0.0) for post in seen)

    @property
    def answers(self) -> Percentiles:
        return Percentiles.of(post.answered_at - post.asked_at for post in self.posted)

    async def _post(self) -> None:
        loop = asyncio.get_running_loop()
        begun, number = loop.time(), 0
        async with Api(self._house.origin) as api, asyncio.TaskGroup() as group:
            while not self._stopped.is_set():
                # Whether or not those before were answered: a slow server slows down nobody.
                group.create_task(self._send(api, number % len(self._authors)))
                number += 1
                await asyncio.sleep(begun + number / self._rate - loop.time())

    async def _send(self, api: Api, number: int) -> None:
        asked_at = time.monotonic()
        try:
            post_id, answered_at = await api.publish(self._tokens[number], "A post of a benchmark")
        except ApiError as error:
            self.failed.append(str(error))
            return
        self.posted.append(Posted(post_id, self._authors[number], asked_at, answered_at))

    def _watch(self) -> None:
        connection = self._house.connect()
        with connection.cursor() as cursor:
            cursor.execute(LAST_FOLLOWERS, [self._authors])
            last = dict(cursor.fetchall())
            while not self._complete.is_set():
                time.sleep(LOOK_SECONDS)
                if waiting := {post.post_id: post for post in self.unseen()}:
                    owners = [last[post.author] for post in waiting.values()]
                    cursor.execute(VISIBLE, [list(waiting), owners])
                    now = time.monotonic()
                    for (post_id,) in cursor:
                        waiting[post_id].seen_at = now
        connection.close()
