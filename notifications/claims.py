"""Claiming pushes: each is a Delivery row, taken with a lease before it is sent.

Guarantee: a push is claimed by one task at a time. Where a sender died, its task takes its claims
over when the broker gives it out again, and anybody when the lease is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from notifications import holding
from notifications.holding import HELD
from notifications.models import Delivery, Notification
from social import partitions
from social.models import Post
from social.slices import Slice

# Longer than a task may run, so that no living sender's claim is taken over.
LEASE = timedelta(minutes=11)

# Whom to tell: followers by social_follow_fanout, of these the few with a preference by its key, of
# these the active ones by theirs. (As a join, the planner may read all users for it.)
# Their notifications, and the pushes to their devices, each row once; those that a preference holds
# back are settled by that. A push that is being sent is claimed again where its sender died.
CLAIM = f"""
    WITH audience AS MATERIALIZED (
        SELECT slice.post_id, follow.follower_id, {HELD} AS held
        FROM unnest(%(posts)s::bigint[], %(authors)s::bigint[],
                    %(after)s::bigint[], %(up_to)s::bigint[])
             AS slice (post_id, author_id, after, up_to)
        JOIN social_follow follow ON follow.followee_id = slice.author_id
             AND follow.follower_id > slice.after AND follow.follower_id <= slice.up_to
        JOIN notifications_preference preference
             ON preference.user_id = follow.follower_id AND preference.push_enabled
        LEFT JOIN notifications_silencedauthor silenced
             ON silenced.author_id = slice.author_id AND silenced.user_id = follow.follower_id
        WHERE (SELECT is_active FROM social_user WHERE id = follow.follower_id)
              AND NOT EXISTS (
            SELECT FROM social_mute mute
            WHERE mute.muted_id = slice.author_id AND mute.muter_id = follow.follower_id
        )
    ), told AS (
        INSERT INTO notifications_notification (recipient_id, post_id, created_at, held)
        SELECT follower_id, post_id, %(now)s, held FROM audience ORDER BY follower_id, post_id
        ON CONFLICT DO NOTHING
    ), claimed AS (
        INSERT INTO notifications_delivery
            (post_id, subscription_id, recipient_id, host,
             state, attempts, reason, created_at, due_at, claimed_by, settled_at)
        SELECT audience.post_id, device.id, device.user_id,
               CASE device.transport WHEN 'web_push' THEN split_part(device.endpoint, '/', 3)
                                     ELSE device.transport END,
               CASE WHEN held IS NULL THEN 'sending' ELSE 'held' END,
               CASE WHEN held IS NULL THEN 1 ELSE 0 END,
               COALESCE(held, ''), %(now)s,
               CASE WHEN held IS NULL THEN %(lease)s::timestamptz END, %(task)s::uuid,
               CASE WHEN held IS NOT NULL THEN %(now)s::timestamptz END
        FROM audience
        JOIN notifications_pushsubscription device ON device.user_id = audience.follower_id
        ORDER BY audience.post_id, device.id
        ON CONFLICT (post_id, subscription_id) DO UPDATE
            SET attempts = notifications_delivery.attempts + 1,
                due_at = %(lease)s, claimed_by = %(task)s::uuid
            WHERE notifications_delivery.state = 'sending'
                  AND (notifications_delivery.claimed_by = %(task)s::uuid
                       OR notifications_delivery.due_at < %(now)s)
        RETURNING post_id, subscription_id, attempts, state
    )
    SELECT post_id, subscription_id, attempts, transport, endpoint, p256dh, auth, ''
    FROM claimed JOIN notifications_pushsubscription device ON device.id = subscription_id
    WHERE claimed.state = 'sending'
"""


@dataclass(frozen=True, slots=True)
class Push:
    """A claimed push: what is sent where. `attempt` counts from 1; `unwanted` says why it is not to
    be sent after all. Without a device its address is None."""

    post_id: int
    subscription_id: int
    attempt: int
    transport: str | None
    endpoint: str | None
    p256dh: str | None
    auth: str | None
    unwanted: str = ""


def claim(
    slices: Sequence[Slice], posts: dict[int, Post], *, task: UUID, now: datetime
) -> list[Push]:
    """Make the notifications of slices of these posts, and claim their pushes that no other task
    has."""
    if not slices:
        return []
    try:
        return _claim(slices, posts, task, now)
    except IntegrityError as error:
        if not partitions.is_missing(error):
            raise
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, posts)
    return _claim(slices, posts, task, now)


@transaction.atomic
def _claim(
    slices: Sequence[Slice], posts: dict[int, Post], task: UUID, now: datetime
) -> list[Push]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, claim_parameters(slices, posts, task, now))
        return [Push(*row) for row in cursor]


def claim_parameters(
    slices: Sequence[Slice], posts: dict[int, Post], task: UUID, now: datetime
) -> dict:
    """The parameters of CLAIM."""
    told = [posts[piece.post_id] for piece in slices]
    return {
        "posts": [post.pk for post in told],
        "authors": [post.author_id for post in told],
        "after": [piece.after for piece in slices],
        "up_to": [piece.up_to for piece in slices],
        "hour_before": holding.hour_before(told),
        "newest": max(post.pk for post in told),
        "task": str(task),
        "now": now,
        "lease": now + LEASE,
    }


def keys(pairs: Sequence[tuple[int, int]]) -> dict:
    """The parameters that name deliveries by (post id, subscription id)."""
    posts, devices = zip(*pairs, strict=True)
    return {
        "posts": list(posts),
        "devices": list(devices),
        "lowest": min(posts),
        "highest": max(posts),
    }
