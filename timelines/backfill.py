"""Bringing an author's part of a timeline into step with whether they are followed: for a new
follow, for an unfollow, and for an owner who returns.

Guarantee: whatever the order in which follows, unfollows and slices are worked off, the rows are
those of the state at rest: none of an author who is not followed, all since `shown_from` of one
who is.
"""

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, connection, transaction

from fanout import partitions
from social.models import Follow, Post
from timelines import locks
from timelines.models import TimelineEntry

TABLE = TimelineEntry._meta.db_table

# Both by the primary key, and for so many posts at once that few partitions are planned.
BATCH = 500
REMOVE = """
    DELETE FROM timelines_timelineentry WHERE owner_id = %s AND post_id = ANY(%s)
"""
ADD = """
    INSERT INTO timelines_timelineentry (owner_id, post_id)
    SELECT %s, post_id FROM unnest(%s::bigint[]) AS post_id ORDER BY post_id
    ON CONFLICT DO NOTHING
"""


def refresh(owner: int, authors: Iterable[int]) -> None:
    """Add what the owner is shown of the authors and lacks; remove what is not to be shown."""
    authors = list(authors)
    try:
        _refresh(owner, authors)
    except IntegrityError as error:
        if not partitions.is_missing(error):
            raise
        partitions.ensure(TABLE, _divide(owner, authors)[0])
        _refresh(owner, authors)


@transaction.atomic
def _refresh(owner: int, authors: Sequence[int]) -> None:
    # Alone: what slices have written by now is seen and removed, and a slice that comes later
    # sees that nobody follows, or that a post is deleted.
    locks.take(authors)
    shown, hidden = _divide(owner, authors)
    with connection.cursor() as cursor:
        for sql, ids in ((ADD, shown), (REMOVE, hidden)):
            for first in range(0, len(ids), BATCH):
                cursor.execute(sql, [owner, ids[first : first + BATCH]])


def _divide(owner: int, authors: Sequence[int]) -> tuple[list[int], list[int]]:
    """Those of the authors' posts that the owner is shown, and the others; ascending, and none
    that has expired."""
    follows = Follow.objects.filter(follower=owner, followee__in=authors)
    shown_from = dict(follows.values_list("followee_id", "shown_from"))
    kept = Post.objects.filter(author__in=authors, pk__gte=partitions.horizon(TABLE))
    shown, hidden = [], []
    for pk, author, deleted_at in kept.order_by("pk").values_list("pk", "author_id", "deleted_at"):
        followed = author in shown_from and pk >= shown_from[author]
        (shown if followed and deleted_at is None else hidden).append(pk)
    return shown, hidden
