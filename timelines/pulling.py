"""A timeline without rows: the posts of those whom the owner follows, merged.

What rows would show, at the cost of a look at each author: for posts older than the rows are kept,
for owners whose rows were not written, and for those whom few posts reach.
"""

from collections.abc import Sequence

from django.db import connection

from timelines import sources

# Each author's posts by social_post_by_author; never more of one than are wanted of all.
PULL = """
    SELECT post.id
    FROM unnest(%s::bigint[], %s::bigint[]) AS source (author_id, shown_from)
    JOIN social_user author ON author.id = source.author_id AND author.is_active
    CROSS JOIN LATERAL (
        SELECT id FROM social_post
        WHERE author_id = source.author_id AND id >= source.shown_from AND {bound}
              AND deleted_at IS NULL AND id <> ALL(%s)
        ORDER BY id {order} LIMIT %s
    ) AS post
    ORDER BY post.id {order} LIMIT %s
"""
OLDER = PULL.format(bound="id < %s", order="DESC")
NEWER = PULL.format(bound="id > %s", order="ASC")


def older(owner: int, before: int, count: int) -> list[int]:
    """The newest `count` post ids below `before` that the owner is shown, descending."""
    return _pull(OLDER, owner, before, (), count)


def newer(owner: int, after: int, count: int, without: Sequence[int] = ()) -> list[int]:
    """The oldest `count` post ids above `after` that the owner is shown, ascending."""
    return _pull(NEWER, owner, after, without, count)


def _pull(sql: str, owner: int, edge: int, without: Sequence[int], count: int) -> list[int]:
    shown_from = sources.everyone(owner)
    if not shown_from:
        return []
    authors, firsts = list(shown_from), list(shown_from.values())
    with connection.cursor() as cursor:
        cursor.execute(sql, [authors, firsts, edge, list(without), count, count])
        return [row[0] for row in cursor]
