"""bin/bench backlog: queue millions of deliveries while the timelines' workers are off, then start
the workers; and put as many events into the outbox and a queue. Measures who is slowed down by the
backlog, and how fast it shrinks."""

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
# A quorum queue keeps bodies on disk and one entry per message in memory: "at least 1 MB for 30,000
# messages" by RabbitMQ's documentation, and several times as much while Erlang collects garbage
# (about 300 bytes a message were measured). One message of a post is 1,000 deliveries.
BYTES_A_MESSAGE = 500.0
PHASES = ("quiet", "half", "queued", "draining")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--deliveries", type=int, default=10_000_000, help="timeline rows (10,000,000)"
    )
    # A moderate rate: this measures the effect of a backlog, not how fast so many posts are
    # planned.
    parser.add_argument("--posts-a-second", type=int, default=500, help="queued a second (500)")
    parser.add_argument(
        "--messages", type=int, default=1_000_000, help="events in outbox and queue (1,000,000)"
    )
    parser.add_argument("--rounds", type=int, default=2, help="rounds of queueing and draining (2)")
    parser.add_argument("--follows", type=int, default=5_000_000, help="rows (5,000,000)")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="shortest length of a phase (20)"
    )


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    posts = options.deliveries // FOLLOWERS
    # Otherwise the overload gauge would refuse posts, and it is not what is measured here.
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
    # Growth from the first half of the backlog to the whole. Memory that only a busier broker needs
    # is in both and cancels out.
    found["broker_growth"] = memory.broker_mb("queued") / memory.broker_mb("half")
    return found | memory.figures()


def rounds(
    count: int, fan_out: Callable[[], float], drain: Callable[[], Figures], progress: Progress
) -> Figures:
    """Alternate drains with fan-outs of as many rows, with a fan-out first and last. Spans of ten
    seconds are too short to compare: some contain a checkpoint and some do not, and a checkpoint
    takes up to a third of the rate. So each fan-out lasts as long as a drain."""
    fan_outs, drains = [fan_out()], []
    for number in range(1, count + 1):
        drains.append(drain())
        fan_outs.append(fan_out())
        shown = f"drain {drains[-1]['drain_rows_per_s']:,.0f}, fan-out {fan_outs[-1]:,.0f}"
        progress.stage(f"round {number} of {count}, rows/s: {shown}")
    # Durations and failures: take the worst.
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
    """Queue deliveries with the timelines' worker off, then start it and measure the drain. Users
    go on posting and devices receive pushes all the while."""
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
            progress.stage("draining")
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
    """Wait until the broker has every event. From then on the consumer takes as many as its lane
    holds."""
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
        "waiting_failed_posts": at_most(0),
        "largest_process_mb": at_most(250.0),
        "broker_growth": at_most(1.1),
        "broker_bytes_a_message": at_most(BYTES_A_MESSAGE),
        "drain_ratio": at_least(0.75),
        "claim_ratio": at_most(1.5),
        "post_ratio": at_most(1.5),
    },
)
