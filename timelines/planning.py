"""Planning a fan-out: which slices of the followers' key range, packed into tasks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db import connection

from fanout.slices import END, Slice, tile
from social import follow_counts

# Every nth follower of each author is where a slice ends, that many entries further in the index
# social_follow_fanout; asked only of authors whose followers fill several slices.
BOUNDARIES = """
    SELECT author, follower FROM unnest(%s::bigint[]) AS author CROSS JOIN LATERAL (
        WITH RECURSIVE boundary (follower) AS (
            SELECT 0::bigint
            UNION ALL
            SELECT (
                SELECT follower_id FROM social_follow
                WHERE followee_id = author AND follower_id > boundary.follower
                ORDER BY follower_id OFFSET %s - 1 LIMIT 1
            ) FROM boundary WHERE follower IS NOT NULL
        )
        SELECT follower FROM boundary WHERE follower > 0
    ) AS boundaries
    ORDER BY author, follower
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
    audiences = follow_counts.followers({author for _, author in posts})
    boundaries = _boundaries([author for author, count in audiences.items() if count > size], size)
    plans = []
    for post, author in posts:
        left = audience = audiences[author]
        # The last slice holds everyone else, whoever the last follower is.
        ends = [*boundaries[author][: (audience - 1) // size], END]
        for piece in tile(post, ends):
            plans.append(Plan(piece, min(left, size), audience))
            left = max(left - size, 0)
    return plans


def _boundaries(authors: list[int], size: int) -> dict[int, list[int]]:
    """The followers of each author at whom a full slice ends, ascending."""
    found = defaultdict(list)
    if authors:
        with connection.cursor() as cursor:
            cursor.execute(BOUNDARIES, [authors, size])
            for author, follower in cursor:
                found[author].append(follower)
    return found


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
