"""Update an owner's rows of some authors after a follow, an unfollow, or the owner's return.

Guarantee: in whatever order follows, unfollows and slices are processed, the rows in the end match
the follows: none of an author whom the owner does not follow, and all since `shown_from` of an
author whom the owner follows.
"""

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, connection, transaction

from fanout import partitions
from social.models import Follow, Post
from timelines import locks
from timelines.models import TimelineEntry

TABLE = TimelineEntry._meta.db_table

# Posts per statement. The limit keeps the number of partitions small that a statement plans. Both
# statements use the primary key.
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
    """Add missing rows for the authors' posts that the owner sees, and remove their other rows."""
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
    # With the exclusive lock we see, and can remove, all rows that slices have written. Later
    # slices see that the follow has ended or that a post is deleted.
    locks.take(authors)
    shown, hidden = _divide(owner, authors)
    with connection.cursor() as cursor:
        for sql, ids in ((ADD, shown), (REMOVE, hidden)):
            for first in range(0, len(ids), BATCH):
                cursor.execute(sql, [owner, ids[first : first + BATCH]])


def _divide(owner: int, authors: Sequence[int]) -> tuple[list[int], list[int]]:
    """The ids of the authors' posts that the owner sees, and those of the others; both ascending
    and without expired posts."""
    follows = Follow.objects.filter(follower=owner, followee__in=authors)
    shown_from = dict(follows.values_list("followee_id", "shown_from"))
    kept = Post.objects.filter(author__in=authors, pk__gte=partitions.horizon(TABLE))
    shown: list[int] = []
    hidden: list[int] = []
    for pk, author, deleted_at in kept.order_by("pk").values_list("pk", "author_id", "deleted_at"):
        followed = author in shown_from and pk >= shown_from[author]
        (shown if followed and deleted_at is None else hidden).append(pk)
    return shown, hidden
