"""Clients that read their timeline forward all the time, each along its `newer` links."""

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from devtools.faults.people import People
from devtools.lab.api import Api, ApiError
from devtools.lab.attempts import Attempt

PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0


class Readers:
    """`seen` holds the time.monotonic() at which a user (graph id) was shown a post, by (user, post
    id). `repeated` counts posts that a user was shown more than once."""

    def __init__(self, origin: str, people: People, users: Sequence[int]):
        self.seen: dict[tuple[int, int], float] = {}
        self.repeated = 0
        self._origin = origin
        self._people = people
        self._next: dict[int, str | None] = dict.fromkeys(users)
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run()), name="readers", daemon=True
        )

    def start(self) -> "Readers":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def delays(self, attempts: Iterable[Attempt]) -> list[float]:
        """The seconds until each reader was shown each accepted post that they must see; until now
        for a post that was never shown."""
        now = time.monotonic()
        followed = {*self._people.graph.edges()} - self._people.mutes
        return [
            self.seen.get((user, attempt.post_id), now) - attempt.accepted_at
            for attempt in attempts
            for user in self._next
            if attempt.accepted and (user, attempt.author) in followed
        ]

    async def _run(self) -> None:
        async with Api(self._origin, TIMEOUT_SECONDS) as api:
            while not self._stopping.is_set():
                await asyncio.sleep(PAUSE_SECONDS)
                for user in self._next:
                    with suppress(ApiError):  # Like a good client, it requests the same page again.
                        while await self._read(api, user):
                            pass

    async def _read(self, api: Api, user: int) -> bool:
        """Read one page; return True if there may already be more."""
        page = await api.page(self._people.tokens[user], self._next[user])
        for post in page["results"]:
            key = (user, post["id"])
            self.repeated += key in self.seen
            self.seen.setdefault(key, time.monotonic())
        self._next[user] = page["newer"] or self._next[user]
        return bool(page["results"])


async def shown(origin: str, people: People, users: Iterable[int]) -> dict[int, list[int]]:
    """Home timelines as the API shows them to their owners: all pages, as post ids by user (graph
    id). Raises ApiError."""
    async with Api(origin, TIMEOUT_SECONDS) as api:
        return {
            people.ids[user]: [post["id"] for post in await api.timeline(people.tokens[user])]
            for user in users
        }
