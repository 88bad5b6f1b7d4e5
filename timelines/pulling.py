"""A timeline without rows: the posts of those whom the owner follows, merged.

What rows would show, at the cost of a look at each author: for posts older than the rows are kept,
for owners whose rows were not written, and for those whom few posts reach.
"""

from collections.abc import Mapping, Sequence

from django.db import connection

from timelines import sources

# Each author's posts by social_post_by_author; never more of one than are wanted of all. Whether an
# author is active is asked by key: where a few hundred are joined, the planner reads all users.
PULL = """
    SELECT post.id
    FROM unnest(%s::bigint[], %s::bigint[]) AS source (author_id, shown_from)
    CROSS JOIN LATERAL (
        SELECT id FROM social_post
        WHERE author_id = source.author_id AND id >= source.shown_from AND id >= %s AND id < %s
              AND deleted_at IS NULL AND id <> ALL(%s)
        ORDER BY id {order} LIMIT %s
    ) AS post
    WHERE (SELECT is_active FROM social_user WHERE id = source.author_id)
    ORDER BY post.id {order} LIMIT %s
"""
DESCENDING = PULL.format(order="DESC")
ASCENDING = PULL.format(order="ASC")

# Of many authors, ever larger ranges of ids are looked through, so that not each of them is read as
# far back as if all posts were to be theirs. After these ranges what is left is looked through.
MANY = 20
RANGES = (10_000, 200_000)


def older(owner: int, before: int, count: int) -> list[int]:
    """The newest `count` post ids below `before` that the owner is shown, descending."""
    shown_from = sources.everyone(owner)
    found: list[int] = []
    end = before
    for size in _ranges(len(shown_from), before):
        first = max(end - size, 1)
        found += _pull(DESCENDING, shown_from, first, end, (), count - len(found))
        end = first
        if len(found) == count or end == 1:
            break
    return found


def newer(
    owner: int, after: int, newest: int, count: int, without: Sequence[int] = ()
) -> list[int]:
    """The oldest `count` post ids in (after, newest] that the owner is shown, ascending."""
    shown_from = sources.everyone(owner)
    found: list[int] = []
    first = after + 1
    for size in _ranges(len(shown_from), newest):
        end = min(first + size, newest + 1)
        found += _pull(ASCENDING, shown_from, first, end, without, count - len(found))
        first = end
        if len(found) == count or end == newest + 1:
            break
    return found


def _ranges(authors: int, ids: int) -> tuple[int, ...]:
    return (*RANGES, ids) if authors > MANY else (ids,) if authors else ()


def _pull(
    sql: str,
    shown_from: Mapping[int, int],
    first: int,
    end: int,
    without: Sequence[int],
    count: int,
) -> list[int]:
    """At most `count` ids in [first, end), save `without`."""
    authors, firsts = list(shown_from), list(shown_from.values())
    with connection.cursor() as cursor:
        cursor.execute(sql, [authors, firsts, first, end, list(without), count, count])
        return [row[0] for row in cursor]
