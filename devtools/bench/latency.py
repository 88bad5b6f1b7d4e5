"""bin/bench latency: from a post's answer to its author's last follower, at ten times the average
rate of the peak day."""

import argparse
import time

from devtools.bench import pipeline
from devtools.bench.benchmark import Benchmark, Figures, at_most
from devtools.bench.house import House
from devtools.bench.population import Population
from devtools.bench.posting import RATE, Posting
from devtools.bench.visibility import Visibility
from devtools.lab.latency import Percentiles
from devtools.lab.progress import Progress

PATIENCE_SECONDS = 60.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, help="of posting (60)")
    parser.add_argument("--rate", type=float, default=RATE, help="posts a second (12)")
    parser.add_argument("--follows", type=int, default=5_000_000, help="rows (5,000,000)")


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    with House().open(progress) as house:
        progress.stage(f"making {options.follows:,} follows")
        population = Population.make(house.connect(), options.follows)
        names = ("web", *pipeline.PROCESSES)
        house.processes.start(*names)
        house.processes.wait_ready(*names)
        posting = Posting(house, population.posting, options.rate)
        progress.stage(f"posting {options.rate:g} times a second")
        visibility = Visibility(house, posting)
        posting.start()
        visibility.start()
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            progress.count(f"{len(posting.posted)} posts, {len(visibility.unseen())} not seen yet")
            time.sleep(0.5)
        posting.finish()
        visibility.finish(PATIENCE_SECONDS)
    answers = Percentiles.of(posting.answers)
    return {
        "posts": len(posting.posted),
        "failed": len(posting.failed),
        "unseen": len(visibility.unseen()),
        **{f"visible_{name}_s": value for name, value in vars(visibility.latencies).items()},
        **{f"post_{name}_s": value for name, value in vars(answers).items()},
    }


BENCHMARK = Benchmark(
    name="latency",
    summary="from a post's answer to the last follower's timeline, at 12 posts a second",
    add_options=add_options,
    run=run,
    required={
        "failed": at_most(0),
        "unseen": at_most(0),
        "visible_p99_s": at_most(1.0),
        "post_p99_s": at_most(0.1),
    },
)
