"""bin/bench latency: measure the time from the API's answer to a post until the author's last
follower has the row, at ten times the average rate of the peak day."""

import argparse
import time

from devtools.bench import pipeline, population
from devtools.bench.background import RATE, posting
from devtools.bench.benchmark import Benchmark, Figures, at_most
from devtools.bench.environment import opened
from devtools.lab.arrivals import Arrivals
from devtools.lab.attempts import Attempt
from devtools.lab.latency import Percentiles
from devtools.lab.progress import Progress

TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.02


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, help="of posting (60)")
    parser.add_argument("--rate", type=float, default=RATE, help="posts a second (12)")
    parser.add_argument("--follows", type=int, default=5_000_000, help="rows (5,000,000)")


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    with opened(progress) as environment:
        progress.stage(f"making {options.follows:,} follows")
        people = population.make(environment, options.follows)
        names = ("web", *pipeline.PROCESSES)
        environment.processes.start(*names)
        environment.processes.wait_ready(*names)
        progress.stage(f"posting {options.rate:g} times a second")
        with Arrivals(environment.database_url, POLL_SECONDS) as arrivals:

            def expect(attempt: Attempt) -> None:
                followers = people.graph.followers_of(attempt.author)
                arrivals.expect(attempt.post_id, [max(map(people.ids.__getitem__, followers))])

            load = posting(environment, people, options.rate, accepted=expect)
            load.start()
            end = time.monotonic() + options.seconds
            while time.monotonic() < end:
                accepted = len(load.attempts.accepted)
                progress.count(f"{accepted} posts, {accepted - len(arrivals.at)} not seen yet")
                time.sleep(0.5)
            load.stop()
            accepted_at = load.attempts.accepted_at
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while len(arrivals.at) < len(accepted_at) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
    visible = Percentiles.of(
        max(seen_at - accepted_at[post_id], 0.0) for post_id, seen_at in arrivals.at.items()
    )
    return {
        "posts": len(accepted_at),
        "failed": len(load.attempts.refused),
        "unseen": len(accepted_at) - len(arrivals.at),
        **{f"visible_{name}_s": value for name, value in vars(visible).items()},
        **{f"post_{name}_s": value for name, value in vars(load.attempts.latencies()).items()},
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
