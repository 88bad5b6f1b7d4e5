"""Pushes that are to be tried again: claiming them, and finding those whose task was lost.

Guarantee: every push that is not settled is either in a task or overdue, and what is overdue is
found here, whatever became of the broker or of its sender.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from events import apart
from events.apart import taken_apart
from notifications.claims import LEASE, Push, keys
from notifications.holding import QUIET
from notifications.reasons import words
from social.models import Post

log = structlog.get_logger(__name__)

# A retry that is at most this late may still be waiting in its lane.
LATE = timedelta(minutes=1)
BATCH = 1_000

# The attempts that were counted when the retry was enqueued are its ticket: of two tasks for one
# retry the second finds them changed, or not due if the attempt was put off, which does not count.
# A sender's lease is half of the push's age where an earlier one died: what kills senders, or can
# never be settled, is sent some fifteen times a day and not every few minutes. The bounds on post
# ids are constants, so that the planner looks at the partitions in between only. `unwanted` says
# why a push must not be sent any more, for example because the user has unfollowed the author.
CLAIM = f"""
    WITH claimed AS (
        UPDATE notifications_delivery delivery
        SET state = 'sending', attempts = least(delivery.attempts, 32766) + 1,
            due_at = CASE delivery.state WHEN 'retrying' THEN %(lease)s
                     ELSE greatest(%(lease)s, %(now)s + (%(now)s - delivery.created_at) / 2) END,
            claimed_by = %(task)s::uuid
        FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[],
                    %(attempts)s::int[], %(authors)s::bigint[])
             AS due (post_id, subscription_id, attempts, author_id)
        WHERE delivery.post_id = due.post_id
              AND delivery.subscription_id = due.subscription_id
              AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
              AND (delivery.state = 'retrying' AND delivery.attempts = due.attempts
                       AND delivery.due_at <= %(now)s + interval '1 s'
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

# Uses the index notifications_delivery_due of each partition.
OVERDUE = """
    SELECT post_id, subscription_id, attempts FROM notifications_delivery
    WHERE due_at < %(before)s ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
# What is found counts as due now, so that it is not found again before its new task has had its
# time.
FOUND = """
    UPDATE notifications_delivery delivery SET due_at = %(now)s
    FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[]) AS found (post_id, subscription_id)
    WHERE delivery.post_id = found.post_id AND delivery.subscription_id = found.subscription_id
          AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
"""
SPOILED = """
    UPDATE notifications_delivery
    SET state = 'failed', reason = %(reason)s, due_at = NULL, settled_at = %(now)s
    WHERE post_id = %(post_id)s AND subscription_id = %(subscription_id)s
          AND attempts = %(attempts)s AND state IN ('retrying', 'sending')
"""


class Retry(NamedTuple):
    """A push that is to be tried again after so many attempts."""

    post_id: int
    subscription_id: int
    attempts: int


def claim(
    retries: Sequence[Retry], posts: dict[int, Post], *, task: UUID, now: datetime
) -> list[Push]:
    """Claim those of the retries that are still to be made. Those that fail for what some row holds
    are taken apart until it is alone: it counts as failed, and the others are claimed."""

    def spoiled(retry: Retry, error: Exception) -> list[Push]:
        reason = words(error)
        log.error("a retry fails by itself", post_id=retry.post_id, error=reason)
        values = retry._asdict() | {"reason": reason, "now": now}
        what = "a failed retry cannot be recorded"
        apart.record(SPOILED, values, what=what, post_id=retry.post_id)
        return []

    return taken_apart(retries, lambda part: _claim(part, posts, task, now), spoiled)


@transaction.atomic
def _claim(
    retries: Sequence[Retry], posts: dict[int, Post], task: UUID, now: datetime
) -> list[Push]:
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
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(OVERDUE, {"before": now - LATE, "limit": limit})
            found = [Retry(*row) for row in cursor]
        if found:
            taken_apart(found, lambda part: _note_found(part, now), lambda *_: [])
    return found


@transaction.atomic
def _note_found(found: Sequence[Retry], now: datetime) -> list:
    """A row that cannot be written is found again: its claim records it as failed, if that can be
    stored."""
    values = keys([(retry.post_id, retry.subscription_id) for retry in found])
    with connection.cursor() as cursor:
        cursor.execute(FOUND, values | {"now": now})
    return []
