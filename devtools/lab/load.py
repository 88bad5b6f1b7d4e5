"""Users who post over HTTP at a steady rate, whatever else happens."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from devtools.lab.api import TIMEOUT_SECONDS, Api, ApiError
from devtools.lab.attempts import Attempt, Attempts

# How long clients retry after the load has ended.
GIVE_UP_SECONDS = 30.0


class Load:
    """Posts by `authors` (graph ids, as are the keys of `tokens`), `rate` per second, until there
    are no more authors or stop() is called. `content` makes a post's text from its number.

    With `retry_seconds` each post has an Idempotency-Key, and a client whose request fails retries
    after that time, as a good client does. `accepted` is called for each accepted post.
    """

    def __init__(
        self,
        tokens: Mapping[int, str],
        authors: Iterable[int],
        *,
        rate: float,
        content: Callable[[int], str],
        retry_seconds: float | None = None,
        accepted: Callable[[Attempt], object] = lambda attempt: None,
    ) -> None:
        self.attempts = Attempts()
        self._tokens = tokens
        self._authors = authors
        self._rate = rate
        self._content = content
        self._retry_seconds = retry_seconds
        self._accepted = accepted
        self._ended_at: float | None = None

    async def run(self, api: Api) -> None:
        """Send each post when it is due, even if earlier ones have not been answered: a slow server
        must not slow down the measurement. Returns when all have been accepted or given up."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, author in enumerate(self._authors):
                await asyncio.sleep(begun + number / self._rate - time.monotonic())
                if self._ended_at is not None:
                    break
                group.create_task(self._post(api, number, author))
                for other in self.beside(api):
                    group.create_task(other)

    def beside(self, api: Api) -> Iterator[Awaitable[None]]:
        """What else users do while a post is written."""
        return iter(())

    def stop(self) -> None:
        self._ended_at = time.monotonic()

    async def _post(self, api: Api, number: int, author: int) -> None:
        text = self._content(number)
        attempt = Attempt(number, author, text, begun_at=time.monotonic())
        self.attempts.append(attempt)
        key = None if self._retry_seconds is None else text

        async def ask() -> None:
            asked_at = time.monotonic()
            try:
                answer = await api.publish(self._tokens[author], text, key)
            except ApiError as error:
                attempt.problem = str(error)
                if error.status is None:
                    attempt.failed += 1
                else:
                    attempt.rejected[error.status] += 1
                raise
            attempt.accepted_at, attempt.seconds = answer.at, answer.at - asked_at
            attempt.replayed = answer.replayed
            attempt.post_id = answer.body["id"]
            self._accepted(attempt)

        await self.insist(ask)

    async def insist(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Make the request, and with `retry_seconds` repeat it until it succeeds, for a while also
        after the load has ended."""
        while True:
            try:
                return await ask()
            except ApiError:
                if self._retry_seconds is None:
                    return
            if self._ended_at and time.monotonic() > self._ended_at + GIVE_UP_SECONDS:
                return
            await asyncio.sleep(self._retry_seconds)


class BackgroundLoad(Load):
    """A load on Connectify at `origin` from start() to stop(), in a separate thread."""

    def __init__(self, origin: str, *args, timeout: float = TIMEOUT_SECONDS, **kwargs) -> None:
        """`timeout` in seconds bounds a request; the other arguments are those of Load."""
        super().__init__(*args, **kwargs)
        self._api = Api(origin, timeout)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._send()), name="load", daemon=True
        )

    @property
    def answers(self) -> Mapping[str, int]:
        """How many answers of each kind there were; see Api."""
        return self._api.answers

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the load, and return when every request has been answered or given up."""
        super().stop()
        self._thread.join()

    async def _send(self) -> None:
        async with self._api as api:
            await self.run(api)
