"""Pushes that are to be tried again: claiming them, and finding those whose task was lost.

Guarantee: every push that is not settled is either in a task or overdue, and what is overdue is
found here, whatever became of the broker or of its sender.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from notifications.claims import LEASE, Push, keys
from notifications.holding import QUIET
from social.models import Post

# A retry that is at most this late may still be waiting in its lane.
LATE = timedelta(minutes=1)
BATCH = 1_000

# The attempts that were counted when the retry was enqueued are its ticket: of two tasks for one
# retry the second finds them changed. The bounds on post ids are constants, so that the planner
# looks at the partitions in between only. Whom the follower has left since is told by `unwanted`,
# and so is what a preference holds back by now.
CLAIM = f"""
    WITH claimed AS (
        UPDATE notifications_delivery delivery
        SET state = 'sending', attempts = least(delivery.attempts, 32766) + 1,
            due_at = %(lease)s, claimed_by = %(task)s::uuid
        FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[],
                    %(attempts)s::int[], %(authors)s::bigint[])
             AS due (post_id, subscription_id, attempts, author_id)
        WHERE delivery.post_id = due.post_id
              AND delivery.subscription_id = due.subscription_id
              AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
              AND (delivery.state = 'retrying' AND delivery.attempts = due.attempts
                   OR delivery.state = 'sending' AND (delivery.claimed_by = %(task)s::uuid
                                                      OR delivery.due_at < %(now)s))
        RETURNING delivery.post_id, delivery.subscription_id, delivery.recipient_id,
                  delivery.attempts, delivery.rejected_at, delivery.summary, due.author_id
    )
    SELECT post_id, subscription_id, attempts,
           device.transport, device.endpoint, device.p256dh, device.auth,
           CASE WHEN device.id IS NULL THEN 'the device was removed'
                WHEN (SELECT is_active FROM social_user WHERE id = recipient_id) IS NOT TRUE
                THEN 'the account is not active'
                WHEN preference.push_enabled IS NOT TRUE THEN 'push was switched off'
                WHEN follow.follower_id IS NULL THEN 'the follow has ended'
                WHEN mute.muter_id IS NOT NULL THEN 'the author was muted'
                WHEN silenced.author_id IS NOT NULL THEN 'author'
                WHEN {QUIET} THEN 'quiet hours'
                ELSE '' END AS unwanted,
           recipient_id, rejected_at, claimed.summary, device.wishes
    FROM claimed
    LEFT JOIN notifications_pushsubscription device
         ON device.id = subscription_id AND device.user_id = recipient_id
    LEFT JOIN notifications_preference preference ON preference.user_id = recipient_id
    LEFT JOIN social_follow follow ON follow.follower_id = recipient_id
         AND follow.followee_id = claimed.author_id
    LEFT JOIN social_mute mute ON mute.muter_id = recipient_id AND mute.muted_id = claimed.author_id
    LEFT JOIN notifications_silencedauthor silenced
         ON silenced.user_id = recipient_id AND silenced.author_id = claimed.author_id
"""

# By the index notifications_delivery_due of each partition. What is found counts as due now, so
# that it is not found again before its new task has had its time.
OVERDUE = """
    WITH overdue AS (
        SELECT post_id, subscription_id FROM notifications_delivery
        WHERE due_at < %(before)s ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE notifications_delivery delivery SET due_at = %(now)s
    FROM overdue
    WHERE delivery.post_id = overdue.post_id
          AND delivery.subscription_id = overdue.subscription_id
    RETURNING delivery.post_id, delivery.subscription_id, delivery.attempts
"""


class Retry(NamedTuple):
    """A push that is to be tried again after so many attempts."""

    post_id: int
    subscription_id: int
    attempts: int


def claim(
    retries: Sequence[Retry], posts: dict[int, Post], *, task: UUID, now: datetime
) -> list[Push]:
    """Claim those of the retries that are still to be made."""
    authors = [posts[r.post_id].author_id if r.post_id in posts else None for r in retries]
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            keys([(retry.post_id, retry.subscription_id) for retry in retries])
            | {
                "attempts": [retry.attempts for retry in retries],
                "authors": authors,
                "task": str(task),
                "now": now,
                "lease": now + LEASE,
            },
        )
        return [Push(*row) for row in cursor]


def overdue(*, now: datetime, limit: int = BATCH) -> list[Retry]:
    """The pushes longest overdue, by more than LATE: of a sender that died, or of a lost task."""
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, {"before": now - LATE, "now": now, "limit": limit})
        return [Retry(*row) for row in cursor]
