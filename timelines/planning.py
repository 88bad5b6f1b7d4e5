"""Planning a fan-out: which slices of the followers' key range, packed into tasks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from django.db import connection

from social.slices import Slice, tile

# Every nth follower of each author, and the last one, is where a slice ends. From the index
# social_follow_fanout alone.
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
    with connection.cursor() as cursor:
        cursor.execute(BOUNDARIES, [list({author for _, author in posts}), size])
        boundaries = defaultdict(list)
        for author, follower, number in cursor:
            boundaries[author].append((follower, number))
    plans = []
    for post, author in posts:
        ends = boundaries[author] or [(0, 0)]
        counts = (b - a for a, b in pairwise([0, *(number for _, number in ends)]))
        slices = tile(post, [follower for follower, _ in ends])
        audience = ends[-1][1]
        plans += [Plan(*pair, audience) for pair in zip(slices, counts, strict=True)]
    return plans


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
