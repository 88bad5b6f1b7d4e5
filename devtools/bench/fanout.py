"""bin/bench fanout: compare the timeline rows a second of the whole pipeline with the same rows
written by hand, by the ORM and in sorted sets. The rounds are interleaved on the same server and
data; the figures are medians."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from devtools.bench import pipeline, population, tables
from devtools.bench.benchmark import Benchmark, Figures, at_least
from devtools.bench.environment import opened
from devtools.bench.rate import rows_per_second
from devtools.lab.environment import ROOT, Environment
from devtools.lab.progress import Progress
from devtools.servers.process import ServerFailure

CONNECTIONS = 2  # of each contender: as many as our worker for timelines has processes
# Each contender gets this fraction of the posts. The plain ones lack ON CONFLICT, as our own first
# attempt does; they show how much of our lead comes from that alone. The ORM takes several times as
# long as the others, so it gets fewer posts: its rate is the same, and its smaller table is an
# advantage for it.
SHARES = {"l1": 1, "l1_plain": 1, "l10": 1, "l10_plain": 1, "orm": 5, "redis": 1}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--posts", type=int, default=3_000, help="a round (3,000)")
    parser.add_argument("--follows", type=int, default=5_000_000, help="rows (5,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all contenders (3)")
    parser.add_argument("--partition-posts", type=int, default=2_000, help="posts each (2,000)")
    parser.add_argument(
        "--older-partitions", type=int, default=0, help="empty ones, made before (0)"
    )


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    rates: dict[str, list[float]] = {name: [] for name in ("ours", *SHARES)}
    with opened(progress, PARTITION_POSTS=str(options.partition_posts)) as environment:
        progress.stage(f"making {options.follows:,} follows")
        connection = environment.connect()
        tables.age(connection, options.older_partitions, options.partition_posts)
        people = population.make(environment, options.follows)
        for number in range(1, options.rounds + 1):
            ours = pipeline.fan_out(environment, people, options.posts, progress)
            rates["ours"].append(ours.rows_per_s)
            progress.stage(f"CPU seconds: {ours.cpu}")
            for name, share in SHARES.items():
                tables.empty(connection)
                rates[name].append(contend(environment, name, ours.posts[: options.posts // share]))
            shown = ", ".join(f"{name} {found[-1]:,.0f}" for name, found in rates.items())
            progress.stage(f"round {number} of {options.rounds}, rows/s: {shown}")
        connection.close()
    return figures({name: median(found) for name, found in rates.items()})


def contend(environment: Environment, name: str, posts: Sequence[tuple[int, int]]) -> float:
    """Rows a second of a contender. Its connections take the posts in turn."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "devtools.bench.contenders", name],
            cwd=ROOT,
            env=environment.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(CONNECTIONS)
    ]
    for number, worker in enumerate(workers):
        worker.stdin.write(json.dumps(posts[number::CONNECTIONS]))
        worker.stdin.close()
    outputs = [worker.stdout.read() for worker in workers]
    if any(worker.wait() for worker in workers):
        raise ServerFailure(f"the contender {name} failed: see above")
    return rows_per_second(commit for output in outputs for commit in json.loads(output))


def figures(rates: dict[str, float]) -> Figures:
    found: Figures = {"rows_per_s": rates["ours"]}
    found |= {f"{name}_rows_per_s": rates[name] for name in SHARES}
    return found | {f"ratio_{name}": rates["ours"] / rates[name] for name in SHARES}


BENCHMARK = Benchmark(
    name="fanout",
    summary="timeline rows a second, beside the same by hand, by the ORM and in sorted sets",
    add_options=add_options,
    run=run,
    required={
        "ratio_l1": at_least(0.85),
        "ratio_l10": at_least(0.65),
        "ratio_orm": at_least(3.0),
        "ratio_redis": at_least(1.2),
    },
)
