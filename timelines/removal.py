"""Sweeping the timeline rows of deleted posts. No reader has seen them since the deletion."""

import math
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import connection, transaction

from events.turns import each_in_turn
from fanout import partitions
from social.models import Post
from timelines import locks
from timelines.models import TimelineEntry

# There is no index by post, so the rows are found through the author's followers: by
# social_follow_fanout, then each by the primary key. Rows of those who no longer follow are
# removed when they unfollow.
REMOVE = """
    WITH audience AS MATERIALIZED (
        SELECT follower_id FROM social_follow
        WHERE followee_id = %s AND follower_id > %s ORDER BY follower_id LIMIT %s
    ), removed AS (
        DELETE FROM timelines_timelineentry USING audience
        WHERE post_id = %s AND owner_id = follower_id RETURNING owner_id
    )
    SELECT (SELECT count(*) FROM removed), (SELECT max(follower_id) FROM audience)
"""


def remove_posts(post_ids: Iterable[int]) -> int:
    """Remove the rows of those of the posts that are deleted; returns how many there were. An error
    at one of them keeps no other from its turn, and is raised at the end."""
    horizon = partitions.horizon(TimelineEntry._meta.db_table)
    kept = Post.objects.filter(pk__in=list(post_ids), pk__gte=horizon)
    deleted = kept.exclude(deleted_at=None)
    removed = 0

    def remove(post: tuple[int, int]) -> None:
        nonlocal removed
        post_id, author_id = post
        # Slices that still took the post for live have committed when the lock is had, and later
        # ones see it deleted. It is dropped at once, so that nobody waits for a long removal.
        with transaction.atomic():
            locks.take([author_id])
        removed += sum(_remove(post_id, author_id))

    failures = each_in_turn(
        list(deleted.values_list("pk", "author_id")),
        remove,
        what="sweeping a post",
        seconds=math.inf,
    )
    if failures:
        raise failures[0]
    return removed


def _remove(post_id: int, author_id: int) -> Iterator[int]:
    """How many rows each statement removed; a slice's followers at a time, so that none runs into
    its time limit, however many there are."""
    after: int | None = 0
    while after is not None:
        with connection.cursor() as cursor:
            cursor.execute(REMOVE, [author_id, after, settings.TIMELINE_TASK_ROWS, post_id])
            count, after = cursor.fetchone()
        yield count
