"""Bringing one author's part of one timeline into step with whether they are followed.

Guarantee: whatever the order in which follows and unfollows are worked off, the rows are those of
the state at rest: none of an author who is not followed, the latest ones of one who is.
"""

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from social import partitions
from social.models import Follow, Post
from timelines.models import TimelineEntry

# Both by the primary key.
REMOVE = """
    DELETE FROM timelines_timelineentry WHERE owner_id = %s AND post_id = ANY(%s)
"""
ADD = """
    INSERT INTO timelines_timelineentry (owner_id, post_id)
    SELECT %s, post_id FROM unnest(%s::bigint[]) AS post_id ORDER BY post_id
    ON CONFLICT DO NOTHING
"""


def refresh(follower: int, followee: int) -> None:
    """Add the author's latest posts to the follower's timeline, or remove all of them."""
    try:
        _refresh(follower, followee)
    except IntegrityError as error:
        if not partitions.is_missing(error):
            raise
        partitions.ensure(TimelineEntry._meta.db_table, _latest_posts(followee))
        _refresh(follower, followee)


@transaction.atomic
def _refresh(follower: int, followee: int) -> None:
    with connection.cursor() as cursor:
        # One at a time for each pair, so that the last one to run sees the state at rest.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"timeline {follower} {followee}"],
        )
        if Follow.objects.filter(follower=follower, followee=followee).exists():
            cursor.execute(ADD, [follower, _latest_posts(followee)])
        else:
            authored = Post.objects.filter(author=followee).values_list("pk", flat=True)
            cursor.execute(REMOVE, [follower, list(authored)])


def _latest_posts(author: int) -> list[int]:
    latest = Post.objects.filter(author=author, deleted_at=None).order_by("-id")
    return list(latest.values_list("pk", flat=True)[: settings.TIMELINE_BACKFILL_POSTS])
