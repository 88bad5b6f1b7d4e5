"""Read a timeline without rows, by merging the posts of the authors whom the owner follows.

The result is what rows would show, but each followed author costs an index lookup. It is used below
the horizon of the rows, for dormant owners, and for owners who get few posts.
"""

from collections.abc import Mapping, Sequence

from django.db import connection

from timelines import sources

# Uses the index social_post_by_author per author, and reads no more posts of one author than are
# wanted in all. Checks by key whether the author is active: for a join with a few hundred authors
# the planner would read all users.
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

# With more than MANY authors, search ranges of ids that grow: RANGES, then all remaining ids.
# Otherwise the posts of each author would be read as far back as if the whole page were theirs.
MANY = 20
RANGES = (10_000, 200_000)


def older(owner: int, before: int, count: int) -> list[int]:
    """The newest `count` post ids below `before` that the owner sees, descending."""
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
    """The oldest `count` post ids in (after, newest] that the owner sees, except `without`;
    ascending."""
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
    """The sizes of the ranges to search, of `ids` ids in all."""
    return (*RANGES, ids) if authors > MANY else (ids,) if authors else ()


def _pull(
    sql: str,
    shown_from: Mapping[int, int],
    first: int,
    end: int,
    without: Sequence[int],
    count: int,
) -> list[int]:
    """At most `count` ids in [first, end), except `without`."""
    authors, firsts = list(shown_from), list(shown_from.values())
    with connection.cursor() as cursor:
        cursor.execute(sql, [authors, firsts, first, end, list(without), count, count])
        return [row[0] for row in cursor]
