"""bin/bench backlog: millions of deliveries queued while the timelines' workers are off, then on;
and as many events in the outbox and in the queue: who else feels it, and how fast it goes away."""

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from bench import fanout, heap, pipeline, tables
from bench.audience import Audience
from bench.benchmark import Benchmark, Figures, at_least, at_most
from bench.house import House
from bench.memory import Memory, watched
from bench.population import FOLLOWERS, Population
from bench.posting import Posting
from bench.push import latencies
from bench.rate import rows_per_second
from bench.receiver import Receiver
from stack.progress import Progress
from stack.push_service import Receipt

FOLLOWS = 5_000_000
REFERENCE_POSTS = 3_000
DEVICES = 100
TELL_SECONDS = 1.0
AUTHORS = 500
QUIET_SECONDS = 20.0
RATE = 12.0
WORKER = "timelines-worker"
PENDING = "SELECT count(*) FROM events_outboxevent WHERE published_at IS NULL"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--deliveries", type=int, default=10_000_000, help="timeline rows (10,000,000)"
    )
    parser.add_argument(
        "--messages", type=int, default=1_000_000, help="events in outbox and queue (1,000,000)"
    )


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    # The overload gauge would refuse posts, which is its purpose and not what is measured.
    limit = str(100 * options.messages)
    with House(PUSH_ALLOW_LOOPBACK="1", OVERLOAD_PENDING_EVENTS=limit).open(progress) as house:
        progress.stage(f"making {FOLLOWS:,} follows")
        connection = house.connect()
        population = Population.make(connection, FOLLOWS)
        progress.stage("fan-out without a backlog")
        posts = fanout.write_posts(house, population, REFERENCE_POSTS)
        reference = pipeline.fan_out(house, len(posts) * FOLLOWERS, progress).rows_per_s
        tables.empty(connection)
        found: Figures = {"fanout_rows_per_s": reference}
        found |= deliveries(house, population, options.deliveries, progress)
        found["drain_ratio"] = found["drain_rows_per_s"] / reference
        tables.empty(connection)
        found |= messages(house, population, options.messages, progress)
        connection.close()
    return found


def deliveries(house: House, population: Population, count: int, progress: Progress) -> Figures:
    """Queue `count` deliveries with the timelines' worker off, then work them off; people go on
    posting, and devices are told, all the while."""
    receiver = Receiver(house)
    with receiver.running():
        try:
            house.processes.start("web", *pipeline.PROCESSES)
            house.processes.wait_ready("web", *pipeline.PROCESSES)
            connection = house.connect()
            audience = Audience.make(house, connection, receiver.origin, DEVICES)
            town = Town(house, population, audience)
            progress.stage("without a backlog")
            with town.phase("quiet"):
                time.sleep(QUIET_SECONDS)
            house.processes.end(WORKER)
            progress.stage(f"queueing {count:,} deliveries, the timelines' worker is off")
            for name in ("half", "queued"):
                with town.phase(name):
                    fanout.write_posts(house, population, count // FOLLOWERS // 2)
                    await_published(connection, progress)
                    time.sleep(QUIET_SECONDS)
            progress.stage("working them off")
            with town.phase("draining"):
                house.processes.start(WORKER)
                commits = pipeline.watch(house, count, progress)
        finally:
            house.processes.stop()
    return town.figures(receiver.receipts()) | {"drain_rows_per_s": rows_per_second(commits)}


def await_published(connection, progress: Progress) -> None:
    """Until the broker has every event: from there the consumer takes as many as its lane holds."""
    with connection.cursor() as cursor:
        while cursor.execute(PENDING) or (pending := cursor.fetchone()[0]) > RATE:
            connection.cursor().execute("NOTIFY events_outbox")
            progress.count(f"{pending:,} events to be published")
            time.sleep(1.0)


class Town:
    """People who post, and one whose followers have devices, phase by phase."""

    def __init__(self, house: House, population: Population, audience: Audience) -> None:
        self._house = house
        self._authors = range(1, min(AUTHORS, population.authors) + 1)
        self._audience = audience
        self.memory: dict[str, Memory] = {}
        self.postings: dict[str, Posting] = {}
        self.told: dict[str, dict[int, float]] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        posting = self.postings[name] = Posting(self._house, self._authors, RATE)
        told, ended = self.told.setdefault(name, {}), threading.Event()

        def tell() -> None:
            while not ended.wait(TELL_SECONDS):
                told.update([self._audience.post()])

        teller = threading.Thread(target=tell, daemon=True)
        with watched(self._house) as self.memory[name]:
            posting.start()
            teller.start()
            yield
            ended.set()
            teller.join()
            posting.finish()

    def figures(self, receipts: list[Receipt]) -> Figures:
        found: Figures = {}
        for name, memory in self.memory.items():
            found[f"{name}_post_p99_s"] = self.postings[name].answers.p99
            found[f"{name}_push_p99_s"] = latencies(receipts, self.told[name]).p99
            found[f"{name}_broker_mb"] = memory.broker
        largest = [
            (mb, name) for each in self.memory.values() for name, mb in each.processes.items()
        ]
        found["largest_process_mb"], found["largest_process"] = max(largest)
        # What a second half adds to a first one: what only a busier broker takes is in both.
        found["broker_growth"] = self.memory["queued"].broker / self.memory["half"].broker
        found["failed_posts"] = sum(len(posting.failed) for posting in self.postings.values())
        return found


def messages(house: House, population: Population, count: int, progress: Progress) -> Figures:
    """The relay's claim of one batch and posting with no more than that waiting, and with `count`
    events in the outbox and in the timelines' queue; relay, consumers and workers are off."""
    found: Figures = {}
    connection = house.connect()
    authors = range(1, min(AUTHORS, population.authors) + 1)
    try:
        house.processes.start("web")
        house.processes.wait_ready("web")
        for name, waiting in (("empty", heap.BATCH), ("full", count)):
            progress.stage(f"{waiting:,} events into the outbox, and into {heap.QUEUE}")
            heap.fill_outbox(connection, waiting)
            heap.fill_queue(house, waiting)
            posting = Posting(house, authors, RATE)
            posting.start()
            time.sleep(QUIET_SECONDS)
            posting.finish()
            found[f"{name}_claim_ms"] = median(house.ask("bench.inside", "claims"))
            found[f"{name}_post_p99_s"] = posting.answers.p99
    finally:
        house.processes.stop()
    found["claim_ratio"] = found["full_claim_ms"] / found["empty_claim_ms"]
    found["post_ratio"] = found["full_post_p99_s"] / found["empty_post_p99_s"]
    return found


BENCHMARK = Benchmark(
    name="backlog",
    summary="millions of deliveries queued with the workers off, then on",
    add_options=add_options,
    run=run,
    required={
        "quiet_push_p99_s": at_most(5.0),
        "queued_push_p99_s": at_most(5.0),
        "draining_push_p99_s": at_most(5.0),
        "failed_posts": at_most(0),
        "largest_process_mb": at_most(250.0),
        "broker_growth": at_most(1.1),
        "drain_ratio": at_least(0.75),
        "claim_ratio": at_most(1.5),
        "post_ratio": at_most(1.5),
    },
)
