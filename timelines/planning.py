"""Planning a fan-out: which slices of the followers' key range, packed into tasks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from django.db import connection

from social.slices import END, Slice, tile

# How many followers each author has; from the index social_follow_fanout alone.
COUNTS = """
    SELECT author, (SELECT count(*) FROM social_follow WHERE followee_id = author)
    FROM unnest(%s::bigint[]) AS author
"""
# Every nth follower of each author, and the last one, is where a slice ends. From the same index,
# and at several times the cost, so that only those are asked whose followers fill several slices.
BOUNDARIES = """
    SELECT followee_id, follower_id, number FROM (
        SELECT followee_id, follower_id,
               row_number() OVER (PARTITION BY followee_id ORDER BY follower_id) AS number,
               count(*) OVER (PARTITION BY followee_id) AS total
        FROM social_follow WHERE followee_id = ANY(%s)
    ) AS numbered
    WHERE number %% %s = 0 OR number = total
    ORDER BY followee_id, number
"""


class Plan(NamedTuple):
    """A slice, how many followers it has now, and how many its post's author has."""

    slice: Slice
    followers: int
    audience: int


def plan(posts: Iterable[tuple[int, int]], size: int) -> list[Plan]:
    """The slices of at most `size` followers for (post id, author id) pairs.

    A post without followers has one empty slice: somebody may follow before it is written.
    """
    posts = list(posts)
    ends = _ends(list({author for _, author in posts}), size)
    plans = []
    for post, author in posts:
        counts = (b - a for a, b in pairwise([0, *(number for _, number in ends[author])]))
        slices = tile(post, [follower for follower, _ in ends[author]])
        audience = ends[author][-1][1]
        plans += [Plan(*pair, audience) for pair in zip(slices, counts, strict=True)]
    return plans


def _ends(authors: list[int], size: int) -> dict[int, list[tuple[int, int]]]:
    """For each author, the follower at whom each slice ends, and which in number that one is."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [authors])
        # A single slice holds everyone, whoever the last follower is.
        ends = {author: [(END, count)] for author, count in cursor}
        if large := [author for author, ((_, count),) in ends.items() if count > size]:
            cursor.execute(BOUNDARIES, [large, size])
            several = defaultdict(list)
            for author, follower, number in cursor:
                several[author].append((follower, number))
            ends |= several
    return ends


def pack(plans: Iterable[Plan], rows: int) -> Iterator[list[Slice]]:
    """Lists of slices with about `rows` followers together: one task each."""
    batch: list[Slice] = []
    waiting = 0
    for piece in plans:
        if batch and waiting + piece.followers > rows:
            yield batch
            batch, waiting = [], 0
        batch.append(piece.slice)
        waiting += piece.followers
    if batch:
        yield batch
