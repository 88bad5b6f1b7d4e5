"""Doing what is mixed in: each act when its time has come, over the API, by whose it is."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import psycopg2

from devtools.demo.acts import Act, Deletion, Follow, Return, Unfollow
from devtools.demo.api import Api, ApiError
from devtools.demo.demand import Demand
from devtools.demo.devices import PushRecord
from devtools.demo.population import Population
from devtools.demo.posting import Posting
from devtools.demo.records import Records

LOOK_SECONDS = 0.25
# When no push at all has come for so long, those that are awaited are missing.
PATIENCE_SECONDS = 60.0


@dataclass
class Deeds:
    """`done` counts the acts; `problems` names those that failed. `to_sweep` are rows that stood
    when an unfollow or a deletion made them surplus."""

    demand: Demand
    api: Api
    population: Population
    posting: Posting
    pushes: PushRecord
    records: Records
    done: int = 0
    to_sweep: int = 0
    problems: list[str] = field(default_factory=list)

    async def perform(self) -> None:
        """All of them; returns when the last one is answered."""
        async with asyncio.TaskGroup() as group:
            for act in self.demand.scenario.mixture.acts:
                group.create_task(self._perform(act))

    async def _perform(self, act: Act) -> None:
        while self.posting.answered < act.after:
            await asyncio.sleep(LOOK_SECONDS)
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
                await self._note([act.follower], self._written_by(act.author))
                await self.api.unfollow(tokens[act.follower], ids[act.author])
            case Deletion():
                await self._delete(act.post)
            case Return():
                await self.api.timeline(tokens[act.owner])

    async def _delete(self, number: int) -> None:
        """Not before its pushes have come: what is deleted is not pushed any more, and then nobody
        could say how many there must be."""
        author = self.demand.scenario.authors[number]
        while number not in self.posting.ids:
            if number in self.posting.failed:
                return
            await asyncio.sleep(LOOK_SECONDS)
        post_id = self.posting.ids[number]
        await self._all_pushed(post_id, self.demand.pushes([number]))
        await self._note(self.demand.scenario.graph.followers_of(author), [post_id])
        await self.api.delete_post(self.population.tokens[author], post_id)

    async def _all_pushed(self, post_id: int, devices: int) -> None:
        """Until so many devices have the post, or PATIENCE_SECONDS after the last push at all."""
        last, changed_at = 0, time.monotonic()
        while time.monotonic() - changed_at < PATIENCE_SECONDS:
            with suppress(aiohttp.ClientError, OSError):
                if await self.pushes.devices(post_id) >= devices:
                    return
                if (count := await self.pushes.count()) != last:
                    last, changed_at = count, time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    async def _note(self, owners: list[int], posts: list[int]) -> None:
        ours = [self.population.ids[user] for user in owners]
        with suppress(psycopg2.OperationalError):
            self.to_sweep += await asyncio.to_thread(self.records.standing, ours, posts)

    def _written_by(self, author: int) -> list[int]:
        authors = self.demand.scenario.authors
        return [post for post, n in self.posting.numbers.items() if authors[n] == author]
