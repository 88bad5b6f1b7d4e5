"""Read the post ids in an owner's timeline rows, in windows of partitions.

Guarantee: there are at most three statements, and each is bounded on both sides and plans at most
16 partitions. Neither the planning time nor the number of statements grows with the number of
partitions that are kept.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

from django.conf import settings
from django.db import connection

# Posts per window, and the most partitions that it plans: each costs 0.02 ms of planning. An owner
# who gets many posts finds a page in the first window. Together the windows hold 68,000 posts. An
# owner who finds no full page there follows so few authors, or such quiet ones, that reading their
# posts is cheap.
WINDOWS = ((12_000, 6), (24_000, 12), (32_000, 16))

# Both use the primary key of each partition in the window, in the order of the partitions.
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
    """The newest `count` ids in [oldest, before), descending, and the id down to which they are
    complete."""
    ids: list[int] = []
    reached = before
    for lower, upper in _windows_down(before, oldest):
        ids += _select(OLDER, [owner, lower, upper, count - len(ids)])
        reached = lower
        if len(ids) == count:
            return ids, ids[-1]
    return ids, reached


def newer(
    owner: int, after: int, newest: int, count: int, without: Sequence[int] = ()
) -> tuple[list[int], int]:
    """The oldest `count` ids in (after, newest] except `without`, ascending, and the id up to which
    they are complete."""
    ids: list[int] = []
    reached = after
    for lower, upper in _windows_up(after, newest):
        ids += _select(NEWER, [owner, lower, upper, list(without), count - len(ids)])
        reached = upper - 1
        if len(ids) == count:
            return ids, ids[-1]
    return ids, reached


def steps() -> list[int]:
    """The number of partitions in each window, from the size of a partition."""
    return [min(most, ceil(posts / settings.PARTITION_POSTS)) for posts, most in WINDOWS]


def _select(sql: str, parameters: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [row[0] for row in cursor]


def _windows_down(before: int, oldest: int) -> Iterator[tuple[int, int]]:
    """Ranges [lower, upper) of ids, newest first; their inner bounds are those of partitions of the
    configured size."""
    upper = before
    for step in steps():
        if upper <= oldest:
            return
        partition = (upper - 1) // settings.PARTITION_POSTS
        lower = max(oldest, (partition - step + 1) * settings.PARTITION_POSTS)
        yield lower, upper
        upper = lower


def _windows_up(after: int, newest: int) -> Iterator[tuple[int, int]]:
    """The same, oldest first."""
    lower = after + 1
    for step in steps():
        if lower > newest:
            return
        partition = lower // settings.PARTITION_POSTS
        upper = min(newest + 1, (partition + step) * settings.PARTITION_POSTS)
        yield lower, upper
        lower = upper
