"""Claiming pushes: each is a Delivery row, taken with a lease before it is sent.

Guarantee: a push is claimed by one sender at a time; a sender that dies leaves its claim to the
next one when the lease is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, connection, transaction

from notifications.models import Delivery, Notification
from social import partitions
from social.models import Post
from social.slices import Slice

log = structlog.get_logger(__name__)

# Longer than a task may run, so that no living sender's claim is taken over.
LEASE = timedelta(minutes=11)

# Whom to tell: followers by social_follow_fanout, of these the few with a preference by its key.
# Their notifications, and the pushes to their devices, each row once; a push of an earlier attempt
# is claimed again where its sender died.
CLAIM = """
    WITH audience AS MATERIALIZED (
        SELECT slice.post_id, follow.follower_id
        FROM unnest(%(posts)s::bigint[], %(authors)s::bigint[],
                    %(after)s::bigint[], %(up_to)s::bigint[])
             AS slice (post_id, author_id, after, up_to)
        JOIN social_follow follow ON follow.followee_id = slice.author_id
             AND follow.follower_id > slice.after AND follow.follower_id <= slice.up_to
        JOIN notifications_preference preference
             ON preference.user_id = follow.follower_id AND preference.push_enabled
        WHERE NOT EXISTS (
            SELECT FROM social_mute mute
            WHERE mute.muted_id = slice.author_id AND mute.muter_id = follow.follower_id
        )
    ), told AS (
        INSERT INTO notifications_notification (recipient_id, post_id, created_at)
        SELECT follower_id, post_id, %(now)s FROM audience ORDER BY follower_id, post_id
        ON CONFLICT DO NOTHING
    ), claimed AS (
        INSERT INTO notifications_delivery
            (post_id, subscription_id, recipient_id,
             state, attempts, reason, created_at, lease_until)
        SELECT audience.post_id, device.id, device.user_id,
               'sending', 1, '', %(now)s, %(lease)s
        FROM audience
        JOIN notifications_pushsubscription device ON device.user_id = audience.follower_id
        ORDER BY audience.post_id, device.id
        ON CONFLICT (post_id, subscription_id) DO UPDATE
            SET attempts = notifications_delivery.attempts + 1, lease_until = %(lease)s
            WHERE notifications_delivery.state = 'sending'
                  AND notifications_delivery.lease_until < %(now)s
        RETURNING post_id, subscription_id, attempts
    )
    SELECT post_id, subscription_id, attempts, endpoint, p256dh, auth
    FROM claimed JOIN notifications_pushsubscription device ON device.id = subscription_id
"""

# The bounds on post ids are constants, so that the planner looks at the partitions in between only.
CLAIM_RETRIES = """
    WITH claimed AS (
        UPDATE notifications_delivery delivery
        SET state = 'sending', attempts = attempts + 1, lease_until = %(lease)s
        FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[]) AS due (post_id, subscription_id)
        WHERE delivery.post_id = due.post_id
              AND delivery.subscription_id = due.subscription_id
              AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
              AND (delivery.state = 'retrying'
                   OR delivery.state = 'sending' AND delivery.lease_until < %(now)s)
        RETURNING delivery.post_id, delivery.subscription_id, delivery.attempts
    )
    SELECT post_id, subscription_id, attempts, endpoint, p256dh, auth
    FROM claimed JOIN notifications_pushsubscription device ON device.id = subscription_id
"""


@dataclass(frozen=True, slots=True)
class Push:
    """A claimed push: what is sent where. `attempt` counts from 1."""

    post_id: int
    subscription_id: int
    attempt: int
    endpoint: str
    p256dh: str
    auth: str


def live_posts(post_ids: set[int]) -> dict[int, Post]:
    """Those of the posts that may still be told of, with their authors."""
    posts = Post.objects.filter(deleted_at=None, author__is_active=True)
    found = posts.select_related("author").in_bulk(post_ids)
    if len(found) < len(post_ids):
        log.info("posts deleted or of nobody skipped", count=len(post_ids) - len(found))
    return found


def claim(slices: Sequence[Slice], posts: dict[int, Post], *, now: datetime) -> list[Push]:
    """Make the slices' notifications, and claim their pushes that nobody else has."""
    slices = [piece for piece in slices if piece.post_id in posts]
    try:
        return _claim(slices, posts, now)
    except IntegrityError as error:
        if not partitions.is_missing(error):
            raise
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, posts)
    return _claim(slices, posts, now)


@transaction.atomic
def _claim(slices: Sequence[Slice], posts: dict[int, Post], now: datetime) -> list[Push]:
    parameters = {
        "posts": [piece.post_id for piece in slices],
        "authors": [posts[piece.post_id].author_id for piece in slices],
        "after": [piece.after for piece in slices],
        "up_to": [piece.up_to for piece in slices],
        "now": now,
        "lease": now + LEASE,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        return [Push(*row) for row in cursor]


def claim_retries(due: Sequence[tuple[int, int]], *, now: datetime) -> list[Push]:
    """Claim the pushes that wait for another attempt, of (post id, subscription id) pairs."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_RETRIES, keys(due) | {"now": now, "lease": now + LEASE})
        return [Push(*row) for row in cursor]


def keys(pairs: Sequence[tuple[int, int]]) -> dict:
    """The parameters that name deliveries by (post id, subscription id)."""
    posts, devices = zip(*pairs, strict=True)
    return {
        "posts": list(posts),
        "devices": list(devices),
        "lowest": min(posts),
        "highest": max(posts),
    }
