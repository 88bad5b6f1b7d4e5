"""A million events in the outbox and as many in the timelines' queue: what the relay's claims and
posting feel of them, and what the broker and our processes need for them."""

import time
from contextlib import closing
from statistics import median

from devtools.bench import heap, tables
from devtools.bench.benchmark import Figures
from devtools.bench.house import House
from devtools.bench.memory import MB, Memory
from devtools.bench.population import Population
from devtools.bench.posting import Posting, warm_up
from devtools.lab.latency import Percentiles
from devtools.lab.progress import Progress

# The heap is compared with what was before and with what comes after it, so that what servers and
# processes get used to in the course of time is on both sides; and with as many posts as both.
PHASES = {"empty": 1, "full": 2, "emptied": 1}
# Who gets to the heap at last, and must hold no more of it than a batch.
TAKERS = ("relay", "timelines-consumer")


class WaitingEvents:
    def __init__(self, house: House, population: Population, memory: Memory) -> None:
        self._house = house
        self._population = population
        self._memory = memory
        self._claims: dict[str, list[float]] = {}
        self._answers: dict[str, list[float]] = {}
        self._failed = 0

    def measure(self, count: int, seconds: float, progress: Progress) -> Figures:
        """With no more than a batch waiting, with `count` events, and with a batch again, for so
        many seconds each; relay, consumers and workers are off."""
        # Millions of new rows would be vacuumed in the background, for minutes.
        with closing(self._house.connect()) as connection:
            tables.empty(connection)
        (post,) = self._population.write_posts(self._house, 1)
        try:
            self._house.processes.start("web")
            self._house.processes.wait_ready("web")
            warm_up(self._house, self._population.posting, seconds)
            for phase, parts in PHASES.items():
                waiting = count if phase == "full" else heap.BATCH
                progress.stage(f"{waiting:,} events into the outbox, and into {heap.QUEUE}")
                with self._memory.watched(phase):
                    heap.pile_up(self._house, post, waiting)
                    self._answers[phase] = self._post(parts * seconds)
                self._claims[phase] = self._house.ask("devtools.bench.inside", "claims")
                if phase == "full":
                    progress.stage(f"{' and '.join(TAKERS)} get to them")
                    self._take(seconds)
        finally:
            self._house.processes.stop()
        return self._figures(count)

    def _post(self, seconds: float) -> list[float]:
        posting = Posting.during(seconds, self._house, self._population.posting)
        self._failed += len(posting.failed)
        return posting.answers

    def _take(self, seconds: float) -> None:
        """Have the takers at it: only their memory is of interest."""
        self._house.processes.start(*TAKERS)
        # Not for the relay, which counts as ready where it has nothing to do.
        self._house.processes.wait_ready("timelines-consumer")
        with self._memory.watched("taking"):
            time.sleep(seconds)
        for name in TAKERS:
            self._house.processes.end(name)

    def _figures(self, count: int) -> Figures:
        found: Figures = {
            "full_claim_ms": median(self._claims["full"]),
            "empty_claim_ms": median(self._claims["empty"] + self._claims["emptied"]),
            "full_post_p99_s": Percentiles.of(self._answers["full"]).p99,
            "empty_post_p99_s": Percentiles.of(
                self._answers["empty"] + self._answers["emptied"]
            ).p99,
        }
        more = self._memory.broker_mb("full") - self._memory.broker_mb("empty")
        return found | {
            "claim_ratio": found["full_claim_ms"] / found["empty_claim_ms"],
            "post_ratio": found["full_post_p99_s"] / found["empty_post_p99_s"],
            "heap_failed_posts": self._failed,
            "broker_bytes_a_message": more * MB / count,
        }
