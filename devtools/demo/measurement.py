"""The measured part of a run against running processes: devices, posts, arrivals.

This module only collects; verdict.py judges.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devtools.demo.actors import Actors
from devtools.demo.chaos import Chaos
from devtools.demo.demand import Demand
from devtools.demo.devices import register
from devtools.demo.plan import content
from devtools.demo.watch import Watch
from devtools.lab.api import Api, ApiError
from devtools.lab.arrivals import Arrivals
from devtools.lab.attempts import Attempt, Attempts
from devtools.lab.environment import Environment
from devtools.lab.load import Load
from devtools.lab.population import Population
from devtools.lab.progress import Progress
from devtools.lab.receiver import Receiver
from devtools.lab.records import Records
from devtools.push_service import Device, Receipt
from devtools.servers.process import ServerFailure


@dataclass(frozen=True)
class Findings:
    """What was observed from outside, by ids of our database. `timelines` are whole home timelines
    by reader. `arrived_at` and the receipts' times are time.monotonic(). `rows` were read before
    the timelines; `to_sweep` counts rows that had to be removed during the run."""

    attempts: Attempts
    arrived_at: Mapping[int, float]
    devices: Mapping[int, Device]
    receipts: Sequence[Receipt]
    rows: Sequence[tuple[int, int]]
    created_posts: Sequence[int]
    daily_counts: Mapping[str, int]
    timelines: Mapping[int, Sequence[Mapping]]
    problems: Sequence[str]
    to_sweep: int = 0


@dataclass
class Measurement:
    """`rate` is in posts a second."""

    demand: Demand
    population: Population
    environment: Environment
    receiver: Receiver
    records: Records
    progress: Progress
    rate: float
    chaos: Chaos | None = None

    async def run(self) -> Findings:
        """Raises ServerFailure if the run cannot even begin."""
        async with Api(self.environment.origin) as api:
            devices = await self._prepare(api)
            with Arrivals(self.environment.database_url) as arrivals:
                load = self._load(arrivals)
                actors = Actors(
                    self.demand, api, self.population, load.attempts, self.receiver, self.records
                )
                problems = await self._post(api, load, actors, arrivals)
            # Read the rows before a dormant owner reads their timeline, which back-fills it.
            rows = self.records.rows()
            timelines = await self._read_timelines(api, problems)
        return Findings(
            attempts=load.attempts,
            arrived_at=arrivals.at,
            devices=devices,
            receipts=self._read_receipts(problems),
            rows=rows,
            created_posts=self.records.created_posts(),
            daily_counts=self.records.daily_counts(),
            timelines=timelines,
            problems=problems,
            to_sweep=actors.to_sweep,
        )

    async def _prepare(self, api: Api) -> dict[int, Device]:
        plan = self.demand.plan
        star = plan.graph.most_followed()
        people = self.population
        try:
            # The other tokens were made in bulk, because a login hashes a password and so is slow
            # on purpose.
            people.tokens[star] = await api.login(people.username(star), people.password)
            devices = await register(api, plan, people, self.receiver.origin, self.progress)
        except ApiError as error:
            raise ServerFailure(f"the run cannot begin: {error}") from error
        self.progress.stage(f"{len(devices):,} devices registered over the API")
        return devices

    def _load(self, arrivals: Arrivals) -> Load:
        def expect(attempt: Attempt) -> None:
            if owners := self.demand.steady(attempt.number):
                arrivals.expect(attempt.post_id, [self.population.ids[user] for user in owners])

        authors = self.demand.plan.authors
        tokens = self.population.tokens
        return Load(tokens, authors, rate=self.rate, content=content, accepted=expect)

    async def _post(self, api: Api, load: Load, actors: Actors, arrivals: Arrivals) -> list[str]:
        """Post, and wait for all effects; return the problems met on the way."""
        processes = self.environment.processes
        watch = Watch(self.demand, actors, arrivals, processes, self.progress)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(api))
            group.create_task(actors.perform())
            if self.chaos:
                group.create_task(self.chaos.wreak(load.attempts, self.demand.plan.posts))
            complete = await watch.wait()
        if complete:
            self.progress.stage("everything has arrived")
        else:
            watch.problems.append(f"not everything arrived; see the logs in {processes.logs}")
        return actors.problems + watch.problems

    async def _read_timelines(self, api: Api, problems: list[str]) -> dict[int, list[dict]]:
        found = {}
        for reader in self.demand.plan.readers:
            try:
                found[reader] = await api.timeline(self.population.tokens[reader])
            except ApiError as error:
                problems.append(str(error))
        return found

    def _read_receipts(self, problems: list[str]) -> list[Receipt]:
        try:
            return self.receiver.receipts()
        except OSError as error:
            problems.append(f"the push service did not return its receipts: {error}")
            return []
