"""The post ids in an owner's rows, read in windows of partitions.

Guarantee: a statement is bounded on both sides and plans 16 partitions at most, and there are at
most three of them, so that neither planning nor the number of statements grows with how many
partitions are kept.
"""

from collections.abc import Iterator, Sequence
from math import ceil

from django.conf import settings
from django.db import connection

# The posts that a window looks through, and the partitions that it plans at most: each of these
# takes 0.02 ms to plan. A page of somebody whom many posts reach is found in the first window. An
# owner who finds none in all of them, 68,000 posts, follows few enough to ask the authors instead.
WINDOWS = ((12_000, 6), (24_000, 12), (32_000, 16))

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


def steps() -> list[int]:
    """How many partitions each window has, by the size of a partition."""
    return [min(most, ceil(posts / settings.PARTITION_POSTS)) for posts, most in WINDOWS]


def _ask(sql: str, parameters: list) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [row[0] for row in cursor]


def _windows_down(before: int, oldest: int) -> Iterator[tuple[int, int]]:
    """Ranges [lower, upper) that end where partitions of the configured size do."""
    upper = before
    for step in steps():
        if upper <= oldest:
            return
        partition = (upper - 1) // settings.PARTITION_POSTS
        lower = max(oldest, (partition - step + 1) * settings.PARTITION_POSTS)
        yield lower, upper
        upper = lower


def _windows_up(after: int, newest: int) -> Iterator[tuple[int, int]]:
    lower = after + 1
    for step in steps():
        if lower > newest:
            return
        partition = lower // settings.PARTITION_POSTS
        upper = min(newest + 1, (partition + step) * settings.PARTITION_POSTS)
        yield lower, upper
        lower = upper
