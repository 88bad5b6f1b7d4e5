"""What the database needs for pages of timelines, ours and by hand: `python -m bench.pages`.

Standard input: {"owners": [ids], "pages": pages of each}. Standard output: for each page [our
milliseconds, those by hand, our statements]. Each statement is planned and executed by EXPLAIN
ANALYZE, so that neither Python nor the network is measured.
"""

import json
import sys
from collections.abc import Sequence

import django

django.setup()

# Models can be imported only now that the apps are loaded.
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from social.shown_posts import ShownPost  # noqa: E402
from timelines import forward, reading  # noqa: E402

# What somebody would write, with no join between timelines and posts either, who knew in which
# partitions the page lies.
ROWS = """
    SELECT post_id FROM timelines_timelineentry
    WHERE owner_id = %s AND post_id >= %s AND post_id < %s ORDER BY post_id DESC LIMIT %s
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

Statement = tuple[str, Sequence]


def read(owner: int, before: int | None) -> tuple[reading.Page, list[Statement]]:
    """The page, and the statements that it took."""
    statements: list[Statement] = []

    def note(execute, sql, parameters, many, context):
        statements.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        known = reading.state(owner)
        page = reading.older(owner, known, before)
        forward.position(owner, known, page)
    return page, statements


def by_hand(owner: int, before: int, posts: Sequence[ShownPost]) -> list[Statement]:
    size = settings.PARTITION_POSTS
    lowest = posts[-1].pk // size * size
    return [
        (ROWS, [owner, lowest, before, reading.PAGE + 1]),
        (POSTS, [[post.pk for post in posts]]),
        (SEEN, [owner, list({post.author.pk for post in posts}), owner]),
    ]


def milliseconds(statements: Sequence[Statement]) -> float:
    spent = 0.0
    for sql, parameters in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", parameters)
            plan = cursor.fetchone()[0][0]
        spent += plan["Planning Time"] + plan["Execution Time"]
    return spent


def measure(owner: int, pages: int, newest: int) -> list[tuple[float, float, int]]:
    found, before = [], None
    for _ in range(pages):
        page, ours = read(owner, before)
        if not page.posts:
            break
        hand = by_hand(owner, before or newest + 1, page.posts)
        # In turns, and twice: the first time each of them finds its pages not yet in the cache.
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
    newest = reading.state(given["owners"][0]).newest
    found = [measure(owner, given["pages"], newest) for owner in given["owners"]]
    json.dump([page for pages in found for page in pages], sys.stdout)


if __name__ == "__main__":
    main()
