"""A steady load over HTTP: users post, follow and unfollow, and ask again when they get no answer.

A post bears an Idempotency-Key, and is asked for again with the same key, as a good client does.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import aiohttp

from devtools.faults.attempts import Attempt
from devtools.faults.population import Population

# A back-fill brings an author's latest 50 posts: with no more a row, every post of an author
# belongs into the timeline of everyone who follows at the end, whenever they began to.
POSTS_OF_AUTHOR = 50
TIMEOUT = aiohttp.ClientTimeout(total=6)
RETRY_SECONDS = 0.5
FOLLOWS_A_POST = 0.2
# How long clients ask again after the load's end.
PATIENCE_SECONDS = 30.0
ERRORS = (aiohttp.ClientError, TimeoutError, OSError)


class Load:
    """`rate` posts a second from start() to stop(), in a thread of its own, and `follows` changes
    of a follow for each; a client asks again after `retry` seconds. `answers` counts all by status,
    with "with Retry-After" behind it where there was one."""

    def __init__(
        self,
        origin: str,
        population: Population,
        random: Random,
        label: str,
        rate: float,
        follows: float = FOLLOWS_A_POST,
        retry: float = RETRY_SECONDS,
    ):
        self.attempts: list[Attempt] = []
        self.answers: Counter[str] = Counter()
        self._api = f"{origin}/api/v1"
        self._people = population
        self._random = random
        self._label = label
        self._rate = rate
        self._follows_a_post = follows
        self._retry_seconds = retry
        self._left = [*range(population.graph.authors)] * POSTS_OF_AUTHOR
        random.shuffle(self._left)
        self._follows = set(population.graph.follows)
        self._stopping = threading.Event()
        self._ended_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the load, and return when every request has been answered or given up."""
        self._ended_at = time.monotonic()
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._send())

    async def _send(self) -> None:
        connector = aiohttp.TCPConnector(limit=60, keepalive_timeout=1.0)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session,
            asyncio.TaskGroup() as group,
        ):
            begun = time.monotonic()
            while not self._stopping.is_set() and self._left:
                group.create_task(self._post(session, self._left.pop()))
                if self._random.random() < self._follows_a_post:
                    group.create_task(self._relate(session))
                due = begun + len(self.attempts) / self._rate
                await asyncio.sleep(max(due - time.monotonic(), 0.001))

    async def _post(self, session: aiohttp.ClientSession, author: int) -> None:
        number = len(self.attempts)
        content = f"{self._label} post {number}"
        attempt = Attempt(number, author, content, begun_at=time.monotonic())
        self.attempts.append(attempt)
        headers = self._headers(author) | {"Idempotency-Key": content}

        async def ask() -> bool:
            asked_at = time.monotonic()
            async with session.post(
                f"{self._api}/posts/", json={"content": content}, headers=headers
            ) as response:
                self._note(response)
                if response.status != 201:
                    attempt.rejected[response.status] += 1
                    return False
                attempt.post_id = (await response.json())["id"]
                attempt.accepted_at = time.monotonic()
                attempt.seconds = attempt.accepted_at - asked_at
                attempt.replayed = response.headers.get("Idempotent-Replayed") == "true"
                return True

        def failed() -> None:
            attempt.failed += 1

        await self._insist(ask, failed)

    async def _relate(self, session: aiohttp.ClientSession) -> None:
        """Somebody begins to follow an author, or no longer does; both may be repeated."""
        graph = self._people.graph
        author = self._random.randrange(graph.authors)
        user = self._random.randrange(graph.users)
        if user == author:
            return
        pair = (user, author)
        method = "DELETE" if pair in self._follows else "PUT"
        self._follows ^= {pair}
        path = f"{self._api}/users/{self._people.ids[author]}/follow/"

        async def ask() -> bool:
            async with session.request(method, path, headers=self._headers(user)) as response:
                self._note(response)
                return response.status == 204

        await self._insist(ask, lambda: None)

    def _note(self, response: aiohttp.ClientResponse) -> None:
        retry = " with Retry-After" if "Retry-After" in response.headers else ""
        self.answers[f"{response.status}{retry}"] += 1

    async def _insist(self, ask: Callable, failed: Callable[[], None]) -> None:
        while True:
            try:
                if await ask():
                    return
            except ERRORS:
                failed()
            if self._ended_at and time.monotonic() > self._ended_at + PATIENCE_SECONDS:
                return
            await asyncio.sleep(self._retry_seconds)

    def _headers(self, user: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._people.tokens[user]}"}
