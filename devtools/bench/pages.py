"""Measures what the database needs for pages of timelines, with our SQL and with SQL by hand.

`python -m devtools.bench.pages`.

Standard input: {"owners": [ids], "pages": pages of each}. Standard output: for each page [our
milliseconds, milliseconds by hand, number of our statements]. EXPLAIN ANALYZE plans and executes
each statement, so that neither Python nor the network is measured.
"""

import json
import sys
from collections.abc import Iterator, Sequence

import django

django.setup()

# Models can be imported only after django.setup().
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from social.shown_posts import ShownPost  # noqa: E402
from timelines import forward, reading, rows  # noqa: E402

# SQL that somebody might write by hand, also without a join of timelines and posts. It has an
# advantage: it knows in which partitions the page lies and how many rows to ask for.
ROWS = """
    SELECT post_id FROM timelines_timelineentry
    WHERE owner_id = %s AND post_id >= %s AND post_id < %s ORDER BY post_id DESC LIMIT %s
"""
PULL = """
    SELECT post.id FROM social_follow JOIN social_user author ON author.id = followee_id
    CROSS JOIN LATERAL (
        SELECT id FROM social_post
        WHERE author_id = followee_id AND id >= shown_from AND id < %s AND deleted_at IS NULL
        ORDER BY id DESC LIMIT %s
    ) AS post
    WHERE follower_id = %s AND author.is_active AND NOT EXISTS (
        SELECT FROM social_mute WHERE muter_id = follower_id AND muted_id = followee_id
    )
    ORDER BY post.id DESC LIMIT %s
"""
POSTS = """
    SELECT author.id, author.username, post.id, post.content, post.created_at, post.edited_at
    FROM social_post post JOIN social_user author ON author.id = author_id
    WHERE post.id = ANY(%s) AND post.deleted_at IS NULL AND author.is_active
    ORDER BY post.id DESC
"""
SEEN = """
    SELECT followee_id FROM social_follow WHERE follower_id = %s AND followee_id = ANY(%s)
    EXCEPT SELECT muted_id FROM social_mute WHERE muter_id = %s
"""

MOST = 1_000  # rows of a page, including those that are not shown
Statement = tuple[str, Sequence]


def read(owner: int, before: int | None) -> tuple[reading.State, reading.Page, list[Statement]]:
    """The owner's state, the page, and the statements that were needed for both."""
    statements: list[Statement] = []

    def note(execute, sql, parameters, many, context):
        statements.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        known = reading.state(owner)
        page = reading.older(owner, known, before)
        forward.position(owner, known, page)
    return known, page, statements


def by_hand(
    owner: int, before: int, posts: Sequence[ShownPost], *, dormant: bool
) -> list[Statement]:
    size, count = settings.PARTITION_POSTS, reading.PAGE + 1
    lowest = posts[-1].pk
    windows = list(windows_down(before, size))
    if not dormant and lowest >= windows[-1][0]:
        ids, _ = rows.older(owner, before, lowest, MOST)
        return [
            (ROWS, [owner, lowest // size * size, before, len(ids) + 1]),
            (POSTS, [ids]),
            (SEEN, [owner, list({post.author.pk for post in posts}), owner]),
        ]
    # Nobody would query hundreds of partitions for so few rows. As in our code, first the nearest
    # partitions are queried and then the authors.
    asked = [] if dormant else [(ROWS, [owner, *window, count]) for window in windows]
    pulled = [(PULL, [before, count, owner, count]), (POSTS, [[post.pk for post in posts]])]
    return asked + pulled


def windows_down(before: int, size: int) -> Iterator[tuple[int, int]]:
    for step in rows.steps():
        lower = max(((before - 1) // size - step + 1) * size, 0)
        if lower < before:
            yield lower, before
        before = lower


def milliseconds(statements: Sequence[Statement]) -> float:
    spent = 0.0
    for sql, parameters in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", parameters)
            plan = cursor.fetchone()[0][0]
        spent += plan["Planning Time"] + plan["Execution Time"]
    return spent


def measure(owner: int, pages: int) -> list[tuple[float, float, int]]:
    found, before = [], None
    for _ in range(pages):
        known, page, ours = read(owner, before)
        if not page.posts:
            break
        hand = by_hand(owner, before or known.newest + 1, page.posts, dormant=known.dormant)
        # Alternate, and time only the second round: the first finds its pages not yet in the cache.
        timed = [(milliseconds(ours), milliseconds(hand)) for _ in range(2)][1]
        found.append((*timed, len(ours)))
        if not page.more:
            break
        before = page.posts[-1].pk
    return found


def main() -> None:
    given = json.load(sys.stdin)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    found = [measure(owner, given["pages"]) for owner in given["owners"]]
    json.dump([page for pages in found for page in pages], sys.stdout)


if __name__ == "__main__":
    main()
