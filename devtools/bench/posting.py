"""People who post over HTTP at a steady rate, whatever else goes on."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from devtools.bench.house import House
from devtools.demo.api import Api, ApiError

RATE = 12.0  # a second: ten times the average of the peak day


@dataclass(frozen=True)
class Posted:
    """A post's times, in monotonic seconds."""

    post_id: int
    author: int
    asked_at: float
    answered_at: float


class Posting(threading.Thread):
    """Posts by `authors` in turn from start() until finish()."""

    def __init__(self, house: House, authors: Sequence[int], rate: float = RATE) -> None:
        super().__init__(daemon=True)
        self._origin = house.origin
        self._authors = sorted(authors)
        self._tokens = house.ask("devtools.bench.inside", "tokens", given=self._authors)
        self._rate = rate
        self._stopped = threading.Event()
        self.posted: list[Posted] = []
        self.failed: list[str] = []

    @classmethod
    def during(cls, seconds: float, house: House, authors: Sequence[int]) -> "Posting":
        """One that has posted for so long."""
        posting = cls(house, authors)
        posting.start()
        time.sleep(seconds)
        posting.finish()
        return posting

    def run(self) -> None:
        asyncio.run(self._post())

    def finish(self) -> None:
        """Post no more, and wait for the answers."""
        self._stopped.set()
        self.join()

    @property
    def answers(self) -> list[float]:
        """The seconds that each post took."""
        return [post.answered_at - post.asked_at for post in self.posted]

    async def _post(self) -> None:
        loop = asyncio.get_running_loop()
        begun, number = loop.time(), 0
        async with Api(self._origin) as api, asyncio.TaskGroup() as group:
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


def warm_up(house: House, authors: Sequence[int], seconds: float) -> None:
    """A server that has just started is slow with its first requests: they are not measured."""
    Posting.during(seconds, house, authors)
