"""Waits until everything has arrived, and watches the processes meanwhile."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

import psycopg2

from devtools.demo.actors import Actors
from devtools.demo.comparison import compare_pairs
from devtools.demo.demand import Demand
from devtools.demo.mixture import NOTHING
from devtools.lab.arrivals import Arrivals
from devtools.lab.attempts import Attempts
from devtools.lab.progress import Progress
from devtools.lab.records import METRICS
from devtools.processes import Supervisor

TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.25
RECORDS_SECONDS = 1.0
# Wait this long after the last arrival, because a duplicate may come late.
QUIET_SECONDS = 1.0

# A server or the push service does not answer. Then there is no progress, and that is reported.
AWAY = (psycopg2.OperationalError, OSError)


@dataclass(frozen=True)
class Counts:
    """Counts of everything that a run waits for. `rows` are those of owners who follow and are
    awake during the whole run; `acts` are those of the mixture."""

    posts: int
    acts: int
    rows: int
    pushes: int
    events: int
    daily: tuple[int, ...]

    @classmethod
    def goal(cls, demand: Demand, attempts: Attempts) -> "Counts":
        """The counts demanded by all posts that have not failed."""
        plan = demand.plan
        mixture = plan.mixture
        refused = attempts.refused
        kept = [number for number in range(plan.posts) if number not in refused]
        rows, pushes = sum(len(demand.steady(n)) for n in kept), demand.pushes(kept)
        reach, sent = demand.written(kept)[0], demand.sent(kept)[0]
        daily = (len(kept), reach, sent, len(mixture.follows), len(mixture.unfollows))
        return cls(len(kept), len(mixture.acts), rows, pushes, len(kept), daily)

    def reached(self, goal: "Counts") -> bool:
        return all(have >= want for have, want in zip(self._all, goal._all, strict=True))

    @property
    def _all(self) -> tuple[int, ...]:
        return (self.posts, self.acts, self.rows, self.pushes, self.events, *self.daily)

    def describe(self, goal: "Counts") -> str:
        return (
            f"posts {self.posts:,} of {goal.posts:,}, rows {self.rows:,} of {goal.rows:,},"
            f" pushes {self.pushes:,} of {goal.pushes:,}, events {self.events:,} of {goal.events:,}"
        )


@dataclass
class Watch:
    """Polls all counts and the processes, and reports both."""

    demand: Demand
    actors: Actors
    arrivals: Arrivals
    processes: Supervisor
    progress: Progress

    def __post_init__(self) -> None:
        self.attempts, self.receiver = self.actors.attempts, self.actors.receiver
        self.records = self.actors.records
        self.problems: list[str] = []
        self._dead: set[str] = set()
        self._pushed = 0
        self._recorded: tuple[int, tuple[int, ...]] = (0, (0,) * len(METRICS))
        self._recorded_at = 0.0

    async def wait(self) -> bool:
        """Wait until the counts reach the goal and nothing is left to sweep or back-fill. Returns
        False after TIMEOUT_SECONDS without progress."""
        last, changed_at, astray = None, time.monotonic(), 0
        while True:
            counts, goal = await self._count(), Counts.goal(self.demand, self.attempts)
            self.progress.count(counts.describe(goal))
            self._report_dead()
            if counts.reached(goal):
                await asyncio.sleep(QUIET_SECONDS)
                if not (astray := await self._astray()):
                    return True
                self.progress.count(f"{astray:,} rows to sweep or to fill in")
            if (counts, astray) != last:
                last, changed_at = (counts, astray), time.monotonic()
            elif time.monotonic() - changed_at > TIMEOUT_SECONDS:
                return False
            await asyncio.sleep(POLL_SECONDS)

    async def _count(self) -> Counts:
        with suppress(*AWAY):
            self._pushed = await asyncio.to_thread(self.receiver.accepted)
        if time.monotonic() - self._recorded_at > RECORDS_SECONDS:
            with suppress(*AWAY):
                self._recorded = await asyncio.to_thread(self._read_records)
            self._recorded_at = time.monotonic()
        posts, acts, rows = len(self.attempts.accepted), self.actors.done, self.arrivals.rows
        return Counts(posts, acts, rows, self._pushed, *self._recorded)

    async def _astray(self) -> int:
        """How many rows there are too many or too few; 0 without a mixture, because nothing then
        makes rows surplus."""
        if self.demand.plan.mixture == NOTHING:
            return 0
        with suppress(*AWAY):
            rows = await asyncio.to_thread(self.records.rows)
            ids = self.actors.population.ids
            tally = compare_pairs("", self.demand.rows(self.attempts.numbers, ids), rows)
            return tally.missing + tally.duplicates
        return -1

    def _read_records(self) -> tuple[int, tuple[int, ...]]:
        daily = self.records.daily_counts()
        return len(self.records.created_posts()), tuple(daily[metric] for metric in METRICS)

    def _report_dead(self) -> None:
        for name in self.processes.dead():
            if name not in self._dead:
                self._dead.add(name)
                self.problems.append(f"{name} died")
                self.progress.lines(
                    f"{name} died; the end of its log:\n{self.processes.tail(name)}"
                )
