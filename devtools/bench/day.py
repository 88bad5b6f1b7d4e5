"""bin/bench day: send a peak day's deliveries through the whole pipeline at full speed, and count
the rows exactly."""

import argparse

from devtools.bench import pipeline, population
from devtools.bench.benchmark import Benchmark, Figures, at_most
from devtools.bench.environment import opened
from devtools.bench.population import FOLLOWERS
from devtools.lab.progress import Progress

BYTES = """
    SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits
    WHERE inhparent = 'timelines_timelineentry'::regclass
"""
# Counts the rows, and the posts that do not have one row per follower. The primary key rules out
# duplicates. The range leaves out later posts, which are the canary's.
ROWS = """
    SELECT sum(rows)::bigint, count(*), count(*) FILTER (WHERE rows <> %s)
    FROM (
        SELECT count(*) AS rows FROM timelines_timelineentry
        WHERE post_id BETWEEN %s AND %s GROUP BY post_id
    ) AS post
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=100_000_000, help="(100,000,000)")
    parser.add_argument("--follows", type=int, default=5_000_000, help="rows (5,000,000)")


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    with opened(progress) as environment:
        progress.stage(f"making {options.follows:,} follows")
        connection = environment.connect()
        people = population.make(environment, options.follows)
        count = options.rows // FOLLOWERS
        done = pipeline.fan_out(environment, people, count, progress)
        progress.stage(f"written; CPU seconds: {done.cpu}; counting")
        with connection.cursor() as cursor:
            cursor.execute(BYTES)
            (size,) = cursor.fetchone()
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(ROWS, [FOLLOWERS, done.posts[0][0], done.posts[-1][0]])
            rows, found, wrong = cursor.fetchone()
        connection.close()
    return {
        "posts": count,
        "rows": rows,
        "wrong_posts": wrong + abs(count - found),
        "minutes": done.seconds / 60,
        "rows_per_s": done.rows_per_s,
        "bytes_a_row": size / rows,
    }


BENCHMARK = Benchmark(
    name="day",
    summary="a peak day's 100 million deliveries at full speed",
    add_options=add_options,
    run=run,
    required={"wrong_posts": at_most(0), "minutes": at_most(15.0), "bytes_a_row": at_most(90.0)},
)
