"""Sweeping the timeline rows of deleted posts. No reader has seen them since the deletion."""

from collections.abc import Iterable

from django.db import connection, transaction

from social.models import Post
from timelines import locks

# There is no index by post, so the rows are found through the author's followers: by
# social_follow_fanout, then each by the primary key. Rows of those who no longer follow are
# removed when they unfollow.
REMOVE = """
    DELETE FROM timelines_timelineentry
    USING social_follow follow
    WHERE post_id = %s AND follow.followee_id = %s AND owner_id = follow.follower_id
"""


def remove_posts(post_ids: Iterable[int]) -> int:
    """Remove the rows of those of the posts that are deleted; returns how many there were."""
    deleted = Post.objects.filter(pk__in=list(post_ids)).exclude(deleted_at=None)
    removed = 0
    for post_id, author_id in deleted.values_list("pk", "author_id"):
        # Slices that still took the post for live have committed when the lock is had, and later
        # ones see it deleted. It is dropped at once, so that nobody waits for a long removal.
        with transaction.atomic():
            locks.take([author_id])
        with connection.cursor() as cursor:
            cursor.execute(REMOVE, [post_id, author_id])
            removed += cursor.rowcount
    return removed
