"""Retries of pushes: claims them, and finds those whose task was lost.

Guarantee: every unsettled push is either in a task or overdue. This module finds overdue pushes,
whatever happened to the broker or to the sender.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from events import apart
from events.apart import taken_apart
from notifications.delivery.claims import LEASE, Push, keys
from notifications.delivery.suppression import QUIET
from notifications.reasons import describe
from social.models import Post

log = structlog.get_logger(__name__)

# A push counts as overdue when it is this late; until then its task may still wait in its lane.
GRACE = timedelta(minutes=1)
BATCH = 1_000

# Only one of two tasks for the same retry claims it. The retry carries the number of attempts at
# the time when it was enqueued; after the first task has claimed the push, the second task finds a
# different number. If the first task's attempt was postponed, the number is unchanged, but the push
# is not due yet.
# If an earlier sender died, the lease is half of the push's age. So a push that kills its senders,
# or that can never be settled, is sent about fifteen times a day and not every few minutes.
# `lowest` and `highest` are constants, so the planner reads only the partitions between them.
# `unwanted` says why a push must not be sent any more, for example because the user has unfollowed
# the author.
# Uses the primary key of deliveries (post, subscription), then the keys of the joined tables.
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
           coalesce(device.transport, ''), coalesce(device.endpoint, ''),
           coalesce(device.p256dh, ''), coalesce(device.auth, ''),
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

# The pushes that are overdue for longest. Uses the index notifications_delivery_due of each
# partition.
OVERDUE = """
    SELECT post_id, subscription_id, attempts FROM notifications_delivery
    WHERE due_at < %(before)s ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
# Makes the overdue pushes due now, so that they are not found again before their new task has had
# GRACE to claim them.
MARK_FOUND = """
    UPDATE notifications_delivery delivery SET due_at = %(now)s
    FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[]) AS found (post_id, subscription_id)
    WHERE delivery.post_id = found.post_id AND delivery.subscription_id = found.subscription_id
          AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
"""
RECORD_FAILED = """
    UPDATE notifications_delivery
    SET state = 'failed', reason = %(reason)s, due_at = NULL, settled_at = %(now)s
    WHERE post_id = %(post_id)s AND subscription_id = %(subscription_id)s
          AND attempts = %(attempts)s AND state IN ('retrying', 'sending')
"""


class Retry(NamedTuple):
    """A push to retry, with the number of attempts that were made so far."""

    post_id: int
    subscription_id: int
    attempts: int


def claim(
    retries: Sequence[Retry], posts: dict[int, Post], *, task: UUID, now: datetime
) -> list[Push]:
    """Claim the retries that no other task has claimed or made. If a row makes that fail with a
    data error, the retries are split until the row is alone: that push is recorded as failed, and
    the others are claimed."""

    def record_failed(retry: Retry, error: Exception) -> list[Push]:
        reason = describe(error)
        log.error("a retry cannot be claimed", post_id=retry.post_id, error=reason)
        values = retry._asdict() | {"reason": reason, "now": now}
        what = "a failed retry cannot be recorded"
        apart.record(RECORD_FAILED, values, what=what, post_id=retry.post_id)
        return []

    return taken_apart(retries, lambda part: _claim(part, posts, task, now), record_failed)


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
    """Find up to `limit` pushes that are overdue by more than GRACE, the oldest first: their sender
    died, or their task was lost."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(OVERDUE, {"before": now - GRACE, "limit": limit})
            found = [Retry(*row) for row in cursor]
        if found:
            taken_apart(found, lambda part: _mark_found(part, now), lambda *_: [])
    return found


@transaction.atomic
def _mark_found(found: Sequence[Retry], now: datetime) -> list[Retry]:
    """Make the pushes due now. A row that cannot be written is found again next time; when it is
    claimed, it is recorded as failed, if the row can store that."""
    values = keys([(retry.post_id, retry.subscription_id) for retry in found])
    with connection.cursor() as cursor:
        cursor.execute(MARK_FOUND, values | {"now": now})
    return []
