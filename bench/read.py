"""bin/bench read: pages of home timelines beside the same SQL by hand, in the database alone, with
few and many rows in few and many partitions."""

import argparse
from statistics import median

from bench.benchmark import Benchmark, Figures, at_most
from bench.house import House
from stack.progress import Progress

OWNERS = 10_000
AUTHORS = 6_000
POSTS = 600_000  # 100 of each author
ASKED = 20  # owners
PAGES = 5

POPULATION = f"""
    INSERT INTO social_user
        (id, username, password, first_name, last_name, email,
         is_superuser, is_staff, is_active, date_joined)
    OVERRIDING SYSTEM VALUE
    SELECT id, 'user-' || id, '!', '', '', '', false, false, true, now()
    FROM generate_series(1, {OWNERS}) AS id;
    INSERT INTO social_post (id, author_id, content, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, id %% {AUTHORS} + 1, 'A post of a benchmark, about as long as people write.', now()
    FROM generate_series(1, {POSTS}) AS id;
    -- As beat raises it every few seconds.
    INSERT INTO timelines_watermark (id, post_id) VALUES (1, {POSTS});
"""
# Everybody follows equally many, who are everybody's in turn.
FOLLOWS = f"""
    TRUNCATE social_follow;
    INSERT INTO social_follow (follower_id, followee_id, created_at)
    SELECT owner, (owner * 7 + number * 101) %% {AUTHORS} + 1, now()
    FROM generate_series(1, {OWNERS}) AS owner, generate_series(1, %(follows)s) AS number;
"""
FILL = """
    CREATE TABLE timelines_timelineentry_p{first} (LIKE timelines_timelineentry INCLUDING ALL);
    INSERT INTO timelines_timelineentry_p{first} (owner_id, post_id)
    SELECT follower_id, post.id
    FROM social_post post JOIN social_follow ON followee_id = author_id
    WHERE post.id >= {first} AND post.id < {end} ORDER BY 1, 2;
    ALTER TABLE timelines_timelineentry ATTACH PARTITION timelines_timelineentry_p{first}
        FOR VALUES FROM ({first}) TO ({end});
"""
PARTITIONS = """
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = 'timelines_timelineentry'::regclass
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 60, 3_000])


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    found: Figures = {}
    with House().open(progress) as house:
        connection = house.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            progress.stage("making users and posts")
            cursor.execute(POPULATION.replace("%%", "%"))
            for rows in options.rows:
                cursor.execute(FOLLOWS, {"follows": rows * AUTHORS // (OWNERS * POSTS)})
                cursor.execute("VACUUM ANALYZE social_user, social_post, social_follow")
                for count in options.partitions:
                    progress.stage(f"writing {rows:,} rows into {count:,} partitions")
                    fill(cursor, POSTS // count, progress)
                    found |= figures(f"{rows // 1_000_000}m_{count}p", measure(house, count))
        connection.close()
    ratios = [figure for name, figure in found.items() if name.startswith("ratio")]
    return found | {"worst_ratio": max(ratios)}


def fill(cursor, size: int, progress: Progress) -> None:
    """Write every row anew, `size` posts a partition."""
    cursor.execute(PARTITIONS)
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP TABLE {name}")
    for first in range(0, POSTS + 1, size):
        cursor.execute(FILL.format(first=first, end=first + size))
        progress.count(f"{first:,} of {POSTS:,} posts")
    cursor.execute("VACUUM ANALYZE timelines_timelineentry")


def measure(house: House, count: int) -> list[tuple[float, float, int]]:
    """For each page our milliseconds, those by hand, and our statements."""
    owners = list(range(1, OWNERS, OWNERS // ASKED))
    return house.ask(
        "bench.pages",
        given={"owners": owners, "pages": PAGES},
        PARTITION_POSTS=str(POSTS // count),
    )


def figures(name: str, pages: list[tuple[float, float, int]]) -> Figures:
    ours, hand = median(page[0] for page in pages), median(page[1] for page in pages)
    return {
        f"ours_ms_{name}": ours,
        f"hand_ms_{name}": hand,
        f"statements_{name}": max(page[2] for page in pages),
        f"ratio_{name}": ours / hand,
    }


BENCHMARK = Benchmark(
    name="read",
    summary="pages of timelines, beside the same SQL by hand",
    add_options=add_options,
    run=run,
    required={"worst_ratio": at_most(1.5)},
)
