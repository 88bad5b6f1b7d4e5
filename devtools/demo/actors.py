"""The follows, unfollows, deletions and returns of a mixed run, each made over the API at its
time."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg2

from devtools.demo.acts import Act, Deletion, Follow, Return, Unfollow
from devtools.demo.demand import Demand
from devtools.lab.api import Api, ApiError
from devtools.lab.attempts import Attempts
from devtools.lab.population import Population
from devtools.lab.receiver import Receiver
from devtools.lab.records import Records

POLL_SECONDS = 0.25
# If no push at all has arrived for this long, the pushes still awaited are missing.
TIMEOUT_SECONDS = 60.0


@dataclass
class Actors:
    """`done` counts the acts; `problems` names those that failed; `to_sweep` counts the rows that
    existed when an unfollow or a deletion made them surplus."""

    demand: Demand
    api: Api
    population: Population
    attempts: Attempts
    receiver: Receiver
    records: Records
    done: int = 0
    to_sweep: int = 0
    problems: list[str] = field(default_factory=list)

    async def perform(self) -> None:
        """Perform all acts; return when the last one has been answered."""
        async with asyncio.TaskGroup() as group:
            for act in sorted(self.demand.plan.mixture.acts, key=lambda act: act.after):
                while self.attempts.answered < act.after:
                    await asyncio.sleep(POLL_SECONDS)
                group.create_task(self._perform(act))

    async def _perform(self, act: Act) -> None:
        try:
            await self._do(act)
        except ApiError as error:
            self.problems.append(str(error))
        self.done += 1

    async def _do(self, act: Act) -> None:
        tokens, ids = self.population.tokens, self.population.ids
        match act:
            case Follow():
                await self.api.follow(tokens[act.follower], ids[act.author])
            case Unfollow():
                written = [a.post_id for a in self.attempts.accepted if a.author == act.author]
                await self._count_rows([act.follower], written)
                await self.api.unfollow(tokens[act.follower], ids[act.author])
            case Deletion():
                await self._delete(act.post)
            case Return():
                await self.api.timeline(tokens[act.owner])

    async def _delete(self, number: int) -> None:
        """Wait until its pushes have arrived and then delete the post. A deleted post is not pushed
        any more, so deleting it earlier would make the number of its pushes unpredictable."""
        author = self.demand.plan.authors[number]
        while number not in self.attempts.ids:
            if number in self.attempts.refused:
                return
            await asyncio.sleep(POLL_SECONDS)
        post_id = self.attempts.ids[number]
        await self._all_pushed(post_id, self.demand.pushes([number]))
        await self._count_rows(self.demand.plan.graph.followers_of(author), [post_id])
        await self.api.delete_post(self.population.tokens[author], post_id)

    async def _all_pushed(self, post_id: int, devices: int) -> None:
        """Wait until so many devices have the post, or until no push at all has arrived for
        TIMEOUT_SECONDS."""
        last, changed_at = 0, time.monotonic()
        while time.monotonic() - changed_at < TIMEOUT_SECONDS:
            with suppress(OSError):
                if await asyncio.to_thread(self.receiver.devices, post_id) >= devices:
                    return
                if (count := await asyncio.to_thread(self.receiver.accepted)) != last:
                    last, changed_at = count, time.monotonic()
            await asyncio.sleep(POLL_SECONDS)

    async def _count_rows(self, owners: Sequence[int], posts: Sequence[int]) -> None:
        ours = [self.population.ids[user] for user in owners]
        with suppress(psycopg2.OperationalError):
            self.to_sweep += await asyncio.to_thread(self.records.count, ours, posts)
