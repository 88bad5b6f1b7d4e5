"""bin/bench backlog: millions of deliveries queued while the timelines' workers are off, then on;
and as many events in the outbox and in the queue: who else feels it, and how fast it goes away."""

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from statistics import median

from devtools.bench import pipeline, population, tables
from devtools.bench.audience import Audience
from devtools.bench.background import RATE, Background, posted
from devtools.bench.benchmark import Benchmark, Figures, at_least, at_most
from devtools.bench.environment import opened
from devtools.bench.memory import Memory
from devtools.bench.population import FOLLOWERS, write_posts
from devtools.bench.rate import rows_per_second
from devtools.bench.waiting_events import WaitingEvents
from devtools.lab.environment import Environment
from devtools.lab.population import Population
from devtools.lab.progress import Progress
from devtools.lab.receiver import Receiver

DEVICES = 100
WORKER = "timelines-high-worker"
PENDING = "SELECT count(*) FROM events_outboxevent WHERE published_at IS NULL"
# A quorum queue keeps bodies on disk and an entry for each message in memory: "at least 1 MB for
# 30,000 messages" by RabbitMQ's documentation, several times as much while Erlang collects garbage
# (about 300 bytes a message were measured). A message of a post is 1,000 deliveries.
BYTES_A_MESSAGE = 500.0
PHASES = ("quiet", "half", "queued", "draining")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--deliveries", type=int, default=10_000_000, help="timeline rows (10,000,000)"
    )
    # What is measured beside it is what waits, and not how fast so many posts are planned.
    parser.add_argument(
        "--posts-a-second", type=int, default=500, help="by which they are queued (500)"
    )
    parser.add_argument(
        "--messages", type=int, default=1_000_000, help="events in outbox and queue (1,000,000)"
    )
    parser.add_argument("--rounds", type=int, default=2, help="of queueing and draining (2)")
    parser.add_argument("--follows", type=int, default=5_000_000, help="rows (5,000,000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a phase at least (20)")


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    posts = options.deliveries // FOLLOWERS
    # The overload gauge would refuse posts, which is its purpose and not what is measured.
    limit = str(100 * max(options.messages, posts))
    with opened(progress, OVERLOAD_PENDING_EVENTS=limit) as environment:
        progress.stage(f"making {options.follows:,} follows")
        people = population.make(environment, options.follows)
        memory = Memory(environment)
        found = rounds(
            options.rounds,
            lambda: pipeline.fan_out(environment, people, posts, progress).rows_per_s,
            lambda: deliveries(environment, people, memory, options, progress),
            progress,
        )
        found |= WaitingEvents(environment, people, memory).measure(
            options.messages, options.seconds, progress
        )
    # What a second half adds to a first one: what only a busier broker takes is in both.
    found["broker_growth"] = memory.broker_mb("queued") / memory.broker_mb("half")
    return found | memory.figures()


def rounds(
    count: int, fan_out: Callable[[], float], drain: Callable[[], Figures], progress: Progress
) -> Figures:
    """Drains, each beside fan-outs of as many rows: one before it, and one after the last. A
    checkpoint falls into some spans of ten seconds and not into others, and takes up to a third of
    the rate; so these are as long as a drain."""
    fan_outs, drains = [fan_out()], []
    for number in range(1, count + 1):
        drains.append(drain())
        fan_outs.append(fan_out())
        shown = f"drain {drains[-1]['drain_rows_per_s']:,.0f}, fan-out {fan_outs[-1]:,.0f}"
        progress.stage(f"round {number} of {count}, rows/s: {shown}")
    # Of what takes long, or fails, the worst.
    found = {name: max(each[name] for each in drains) for name in drains[0]}
    found["drain_rows_per_s"] = median(each["drain_rows_per_s"] for each in drains)
    found["fanout_rows_per_s"] = median(fan_outs)
    return found | {"drain_ratio": found["drain_rows_per_s"] / found["fanout_rows_per_s"]}


def deliveries(
    environment: Environment,
    people: Population,
    memory: Memory,
    options: argparse.Namespace,
    progress: Progress,
) -> Figures:
    """Queue deliveries with the timelines' worker off, then work them off; people go on posting,
    and devices are told, all the while."""
    receiver = Receiver(environment.home, environment.environ["VAPID_PRIVATE_KEY"])
    with receiver.running(environment), closing(environment.connect()) as connection:
        tables.empty(connection)
        environment.empty_queues()
        try:
            environment.processes.start("web", *pipeline.PROCESSES)
            environment.processes.wait_ready("web", *pipeline.PROCESSES)
            audience = Audience.make(environment, receiver.origin, DEVICES)
            background = Background(environment, people, audience, memory)
            posted(environment, people, options.seconds)
            progress.stage("without a backlog")
            with background.phase("quiet"):
                time.sleep(options.seconds)
            environment.processes.end(WORKER)
            count = options.deliveries // FOLLOWERS // 2
            for name in ("half", "queued"):
                progress.stage(f"queueing {count * FOLLOWERS:,} deliveries, {WORKER} is off")
                with background.phase(name):
                    write_posts(environment, people, count, options.posts_a_second)
                    await_published(connection, progress)
                    time.sleep(options.seconds)
            progress.stage("working them off")
            with (
                background.phase("draining"),
                pipeline.watched(connection, 2 * count * FOLLOWERS, progress) as commits,
            ):
                environment.processes.start(WORKER)
            background.await_pushes(receiver)
        finally:
            environment.processes.stop()
        found = background.figures(receiver.receipts())
    return found | {"drain_rows_per_s": rows_per_second(commits)}


def await_published(connection, progress: Progress) -> None:
    """Until the broker has every event: from there the consumer takes as many as its lane holds."""
    with connection.cursor() as cursor:
        while cursor.execute(PENDING) or (pending := cursor.fetchone()[0]) > RATE:
            cursor.execute("NOTIFY events_outbox")
            progress.count(f"{pending:,} events to be published")
            time.sleep(1.0)


BENCHMARK = Benchmark(
    name="backlog",
    summary="millions of deliveries queued with the workers off, then on",
    add_options=add_options,
    run=run,
    required={
        **{f"{phase}_push_p99_s": at_most(5.0) for phase in PHASES},
        "missing_pushes": at_most(0),
        "failed_posts": at_most(0),
        "heap_failed_posts": at_most(0),
        "largest_process_mb": at_most(250.0),
        "broker_growth": at_most(1.1),
        "broker_bytes_a_message": at_most(BYTES_A_MESSAGE),
        "drain_ratio": at_least(0.75),
        "claim_ratio": at_most(1.5),
        "post_ratio": at_most(1.5),
    },
)
