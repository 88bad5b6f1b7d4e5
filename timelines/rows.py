"""The post ids in an owner's rows, read in windows of partitions.

Guarantee: a statement is bounded on both sides and plans 16 partitions at most, and there are at
most three of them, so that neither planning nor the number of statements grows with how many
partitions are kept.
"""

from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db import connection

# Partitions a window. A page of somebody whom many posts reach is found in the first one, and each
# partition more costs its planning 0.02 ms; together they hold 68,000 posts, and an owner who finds
# no page there follows few enough to ask them.
STEPS = (6, 12, 16)

# By the primary key of each partition in the window, in their order.
OLDER = """
    SELECT post_id FROM timelines_timelineentry
    WHERE owner_id = %s AND post_id >= %s AND post_id < %s
    ORDER BY post_id DESC LIMIT %s
"""
NEWER = """
    SELECT post_id FROM timelines_timelineentry
    WHERE owner_id = %s AND post_id >= %s AND post_id < %s AND post_id <> ALL(%s)
    ORDER BY post_id LIMIT %s
"""


def older(owner: int, before: int, oldest: int, count: int) -> tuple[list[int], int]:
    """The newest `count` ids in [oldest, before), descending, and the id down to which all are
    among them."""
    ids, reached = [], before
    for lower, upper in _windows_down(before, oldest):
        ids += _ask(OLDER, [owner, lower, upper, count - len(ids)])
        reached = lower
        if len(ids) == count:
            return ids, ids[-1]
    return ids, reached


def newer(
    owner: int, after: int, newest: int, count: int, without: Sequence[int] = ()
) -> tuple[list[int], int]:
    """The oldest `count` ids in (after, newest] save `without`, ascending, and the id up to which
    all are among them."""
    ids, reached = [], after
    for lower, upper in _windows_up(after, newest):
        ids += _ask(NEWER, [owner, lower, upper, list(without), count - len(ids)])
        reached = upper - 1
        if len(ids) == count:
            return ids, ids[-1]
    return ids, reached


def _ask(sql: str, parameters: list) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [row[0] for row in cursor]


def _windows_down(before: int, oldest: int) -> Iterator[tuple[int, int]]:
    """Ranges [lower, upper) that end where partitions of the configured size do."""
    upper = before
    for step in STEPS:
        if upper <= oldest:
            return
        partition = (upper - 1) // settings.PARTITION_POSTS
        lower = max(oldest, (partition - step + 1) * settings.PARTITION_POSTS)
        yield lower, upper
        upper = lower


def _windows_up(after: int, newest: int) -> Iterator[tuple[int, int]]:
    lower = after + 1
    for step in STEPS:
        if lower > newest:
            return
        partition = lower // settings.PARTITION_POSTS
        upper = min(newest + 1, (partition + step) * settings.PARTITION_POSTS)
        yield lower, upper
        lower = upper
