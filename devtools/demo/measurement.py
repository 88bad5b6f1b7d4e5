"""The measured part of a run, against running processes: devices, posts, arrivals.

It only collects; what is made of it is in verdict.py.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from devtools.demo.api import Api, ApiError
from devtools.demo.arrivals import Arrivals
from devtools.demo.chaos import Chaos
from devtools.demo.deeds import Deeds
from devtools.demo.demand import Demand
from devtools.demo.devices import PushRecord, register
from devtools.demo.failure import DemoFailure
from devtools.demo.population import Population
from devtools.demo.posting import Posting, send_posts
from devtools.demo.records import Records
from devtools.demo.watch import Watch
from devtools.lab.progress import Progress
from devtools.processes import Processes
from devtools.push_service import Device, Receipt


@dataclass(frozen=True)
class Findings:
    """What was seen from outside, by ids of our database; `timelines` are whole home timelines by
    reader, `arrived_at` and the receipts' times are time.monotonic(). `rows` were there before the
    timelines were read; `to_sweep` counts those that had to go meanwhile."""

    posting: Posting
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
    """`origin` is the web server's, `push_origin` the push service's; `rate` in posts a second."""

    demand: Demand
    population: Population
    processes: Processes
    progress: Progress
    records: Records
    database_url: str
    origin: str
    push_origin: str
    rate: float
    chaos: Chaos | None = None

    async def run(self) -> Findings:
        """Raises DemoFailure where the run cannot even begin."""
        pushes, posting = PushRecord(self.push_origin), Posting()
        async with Api(self.origin) as api:
            devices = await self._prepare(api)
            deeds = Deeds(self.demand, api, self.population, posting, pushes, self.records)
            with Arrivals(self.database_url) as arrivals:
                problems = await self._post(api, deeds, arrivals)
            # Before somebody dormant looks, whose timeline is then filled in.
            rows = self.records.rows()
            timelines = await self._read_timelines(api, problems)
        receipts = await self._read_receipts(pushes, problems)
        return Findings(
            posting=posting,
            arrived_at=arrivals.at,
            devices=devices,
            receipts=receipts,
            rows=rows,
            created_posts=self.records.created_posts(),
            daily_counts=self.records.daily_counts(),
            timelines=timelines,
            problems=problems,
            to_sweep=deeds.to_sweep,
        )

    async def _prepare(self, api: Api) -> dict[int, Device]:
        scenario = self.demand.scenario
        star = scenario.graph.most_followed()
        people = self.population
        try:
            # The others' tokens were made in bulk: a login hashes a password, slowly on purpose.
            people.tokens[star] = await api.login(people.username(star), people.password)
            devices = await register(api, scenario, people, self.push_origin, self.progress)
        except ApiError as error:
            raise DemoFailure(f"the run cannot begin: {error}") from error
        self.progress.stage(f"{len(devices):,} devices registered over the API")
        return devices

    async def _post(self, api: Api, deeds: Deeds, arrivals: Arrivals) -> list[str]:
        """Post, and wait for all that follows from it; returns the problems on the way."""
        scenario, ids, posting = self.demand.scenario, self.population.ids, deeds.posting

        def accepted(number: int, post_id: int) -> None:
            if owners := self.demand.steady(number):
                arrivals.expect(post_id, [ids[user] for user in owners])

        watch = Watch(
            self.demand, deeds, arrivals, self.records, ids, self.processes, self.progress
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(
                send_posts(api, scenario, self.population, self.rate, posting, accepted)
            )
            group.create_task(deeds.perform())
            if self.chaos:
                group.create_task(self.chaos.wreak(posting, scenario.posts))
            complete = await watch.wait()
        if complete:
            self.progress.stage("everything has arrived")
        else:
            watch.problems.append(f"not everything arrived; see the logs in {self.processes.logs}")
        return deeds.problems + watch.problems

    async def _read_timelines(self, api: Api, problems: list[str]) -> dict[int, list[dict]]:
        found = {}
        for reader in self.demand.scenario.readers:
            try:
                found[reader] = await api.timeline(self.population.tokens[reader])
            except ApiError as error:
                problems.append(str(error))
        return found

    async def _read_receipts(self, pushes: PushRecord, problems: list[str]) -> list[Receipt]:
        try:
            return await pushes.receipts()
        except (aiohttp.ClientError, OSError) as error:
            problems.append(f"the push service does not tell what it received: {error}")
            return []
