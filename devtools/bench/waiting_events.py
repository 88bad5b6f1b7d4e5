"""A million events in the outbox and as many in the timelines' queue: how much they slow down the
relay's claims and posting, and how much memory the broker and our processes need for them."""

import time
from contextlib import closing
from statistics import median

from devtools.bench import backlogs, tables
from devtools.bench.background import posted
from devtools.bench.benchmark import Figures
from devtools.bench.memory import MB, Memory
from devtools.bench.population import write_posts
from devtools.lab.attempts import Attempts
from devtools.lab.environment import Environment
from devtools.lab.population import Population
from devtools.lab.progress import Progress

# The backlog is compared with measurements before and after it, so that both sides include slow
# changes of servers and processes over time, and with as many posts as both.
PHASES = {"empty": 1, "full": 2, "emptied": 1}
# The processes that finally get the backlog. They must hold no more than a batch of it in memory.
TAKERS = ("relay", "timelines-consumer")


class WaitingEvents:
    def __init__(self, environment: Environment, people: Population, memory: Memory) -> None:
        self._environment = environment
        self._people = people
        self._memory = memory
        self._claims: dict[str, list[float]] = {}
        self._posted: dict[str, Attempts] = {}

    def measure(self, count: int, seconds: float, progress: Progress) -> Figures:
        """Measure with at most a batch waiting, with `count` events, and with a batch again, for
        `seconds` each. Relay, consumers and workers are off."""
        # Autovacuum would otherwise process millions of new rows in the background for minutes.
        with closing(self._environment.connect()) as connection:
            tables.empty(connection)
        (post,) = write_posts(self._environment, self._people, 1)
        try:
            self._environment.processes.start("web")
            self._environment.processes.wait_ready("web")
            posted(self._environment, self._people, seconds)
            for phase, parts in PHASES.items():
                waiting = count if phase == "full" else backlogs.BATCH
                progress.stage(f"{waiting:,} events into the outbox and into {backlogs.QUEUE}")
                with self._memory.watched(phase):
                    backlogs.fill(self._environment, post, waiting)
                    self._posted[phase] = posted(self._environment, self._people, parts * seconds)
                self._claims[phase] = self._environment.ask("devtools.bench.inside", "claims")
                if phase == "full":
                    progress.stage(f"{' and '.join(TAKERS)} process them")
                    self._take(seconds)
        finally:
            self._environment.processes.stop()
        return self._figures(count)

    def _take(self, seconds: float) -> None:
        """Let the consuming processes run for a while; only their memory matters."""
        self._environment.processes.start(*TAKERS)
        # Do not wait for the relay to be ready: it counts as ready while it has nothing to do.
        self._environment.processes.wait_ready("timelines-consumer")
        with self._memory.watched("taking"):
            time.sleep(seconds)
        for name in TAKERS:
            self._environment.processes.end(name)

    def _figures(self, count: int) -> Figures:
        emptier = Attempts(self._posted["empty"] + self._posted["emptied"])
        found: Figures = {
            "full_claim_ms": median(self._claims["full"]),
            "empty_claim_ms": median(self._claims["empty"] + self._claims["emptied"]),
            "full_post_p99_s": self._posted["full"].latencies().p99,
            "empty_post_p99_s": emptier.latencies().p99,
        }
        more = self._memory.broker_mb("full") - self._memory.broker_mb("empty")
        return found | {
            "claim_ratio": found["full_claim_ms"] / found["empty_claim_ms"],
            "post_ratio": found["full_post_p99_s"] / found["empty_post_p99_s"],
            "waiting_failed_posts": sum(len(each.refused) for each in self._posted.values()),
            "broker_bytes_a_message": more * MB / count,
        }
