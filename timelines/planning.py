"""Plan a fan-out: divide an author's followers into slices, and pack slices into tasks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db import connection

from fanout.slices import END, Slice, tile
from social import follow_counts

# Every nth follower id of each author, where a slice ends. Uses the index social_follow_fanout and
# skips n entries at a time. Run only for authors whose followers fill several slices.
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
    """A slice, the number of followers in it now, and the number of all followers of the author."""

    slice: Slice
    followers: int
    audience: int


def plan(posts: Iterable[tuple[int, int]], size: int) -> list[Plan]:
    """The slices, each of at most `size` followers, for `posts`, which are (post id, author id).

    A post without followers gets one empty slice: somebody may follow before it is written.
    """
    posts = list(posts)
    audiences = follow_counts.followers({author for _, author in posts})
    boundaries = _boundaries([author for author, count in audiences.items() if count > size], size)
    plans = []
    for post, author in posts:
        left = audience = audiences[author]
        # The last slice has no upper bound, so that later followers are included.
        ends = [*boundaries[author][: (audience - 1) // size], END]
        for slice_ in tile(post, ends):
            plans.append(Plan(slice_, min(left, size), audience))
            left = max(left - size, 0)
    return plans


def _boundaries(authors: list[int], size: int) -> dict[int, list[int]]:
    """The follower ids at which full slices end, ascending, per author."""
    found = defaultdict(list)
    if authors:
        with connection.cursor() as cursor:
            cursor.execute(BOUNDARIES, [authors, size])
            for author, follower in cursor:
                found[author].append(follower)
    return found


def pack(plans: Iterable[Plan], rows: int) -> Iterator[list[Slice]]:
    """Pack slices into lists, one per task, of at most `rows` followers (or one larger slice)."""
    batch: list[Slice] = []
    packed = 0
    for planned in plans:
        if batch and packed + planned.followers > rows:
            yield batch
            batch, packed = [], 0
        batch.append(planned.slice)
        packed += planned.followers
    if batch:
        yield batch
