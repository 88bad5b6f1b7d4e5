"""The upper limit: the fan-out's rows, written by one INSERT ... SELECT after the other through
psycopg2, without queue, ledger, outbox or retries."""

import os
import time
from collections.abc import Sequence

import psycopg2

Commits = list[tuple[float, int]]

ONE = """
    INSERT INTO timelines_timelineentry (owner_id, post_id)
    SELECT follower_id, %s FROM social_follow WHERE followee_id = %s
    ORDER BY follower_id
"""
TEN = """
    INSERT INTO timelines_timelineentry (owner_id, post_id)
    SELECT follow.follower_id, post.id
    FROM unnest(%s::bigint[], %s::bigint[]) AS post (id, author_id)
    JOIN social_follow follow ON follow.followee_id = post.author_id
    ORDER BY follow.follower_id, post.id
"""
# ON CONFLICT descends the index twice per row. Without it a row that exists is an error.
ASKING = "ON CONFLICT DO NOTHING"
PLAIN = ""


def one_post_a_statement(conflict: str, posts: Sequence[tuple[int, int]]) -> Commits:
    return _write(ONE + conflict, posts)


def ten_posts_a_statement(conflict: str, posts: Sequence[tuple[int, int]]) -> Commits:
    tens = [posts[first : first + 10] for first in range(0, len(posts), 10)]
    return _write(TEN + conflict, [tuple(map(list, zip(*ten, strict=True))) for ten in tens])


def _write(statement: str, parameters: Sequence[tuple]) -> Commits:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    commits = []
    with connection.cursor() as cursor:
        for values in parameters:
            cursor.execute(statement, values)
            commits.append((time.monotonic(), cursor.rowcount))
    connection.close()
    return commits
