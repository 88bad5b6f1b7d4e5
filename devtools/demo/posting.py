"""Posting at a steady rate, as real users."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from devtools.demo.api import Api, ApiError
from devtools.demo.population import Population
from devtools.demo.scenario import Scenario


@dataclass
class Posting:
    """Accepted posts: number and time of acceptance (time.monotonic()) by id; of the failed ones,
    the reason by number."""

    numbers: dict[int, int] = field(default_factory=dict)
    accepted_at: dict[int, float] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many were accepted or have failed."""
        return len(self.numbers) + len(self.failed)

    @property
    def ids(self) -> dict[int, int]:
        """Accepted posts' ids by number."""
        return {number: post_id for post_id, number in self.numbers.items()}


def content(number: int) -> str:
    return f"Post number {number} of the demo"


async def send_posts(
    api: Api,
    scenario: Scenario,
    population: Population,
    rate: float,
    posting: Posting,
    accepted: Callable[[int, int], None],
) -> None:
    """Send every post when its time has come, whether or not those before were answered: a slow
    server must not slow down those who measure it. `accepted` gets number and id at once."""

    async def send(number: int) -> None:
        token = population.tokens[scenario.authors[number]]
        try:
            post_id, at = await api.publish(token, content(number))
        except ApiError as error:
            posting.failed[number] = str(error)
            return
        posting.numbers[post_id] = number
        posting.accepted_at[post_id] = at
        accepted(number, post_id)

    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(scenario.posts):
            await asyncio.sleep(begun + number / rate - loop.time())
            group.create_task(send(number))
