"""The record of each push: claimed with a lease before it is sent, settled after.

Guarantee: a push is claimed by one sender at a time, and settled once; a sender that dies leaves
its claim to the next one when the lease is over.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from events import outbox
from notifications.event_types import PushSettled
from notifications.models import Delivery, Notification, SliceRecord
from social import partitions
from social.models import Post
from social.slices import Slice

# Longer than a task may run, so that no living sender's claim is taken over.
LEASE = timedelta(minutes=11)

NOTIFY = """
    INSERT INTO notifications_notification (recipient_id, post_id, created_at)
    SELECT follow.follower_id, slice.post_id, %(now)s
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
    ORDER BY follow.follower_id, slice.post_id
    ON CONFLICT DO NOTHING
"""

# A row of an earlier attempt is claimed again where that sender died.
CLAIM = """
    WITH claimed AS (
        INSERT INTO notifications_delivery
            (post_id, subscription_id, recipient_id,
             state, attempts, reason, created_at, lease_until)
        SELECT slice.post_id, device.id, device.user_id, 'sending', 1, '', %(now)s, %(lease)s
        FROM unnest(%(posts)s::bigint[], %(after)s::bigint[], %(up_to)s::bigint[])
             AS slice (post_id, after, up_to)
        JOIN notifications_notification told ON told.post_id = slice.post_id
             AND told.recipient_id > slice.after AND told.recipient_id <= slice.up_to
        JOIN notifications_pushsubscription device ON device.user_id = told.recipient_id
        ORDER BY slice.post_id, device.id
        ON CONFLICT (post_id, subscription_id) DO UPDATE
            SET attempts = notifications_delivery.attempts + 1, lease_until = %(lease)s
            WHERE notifications_delivery.state = 'sending'
                  AND notifications_delivery.lease_until < %(now)s
        RETURNING post_id, subscription_id, attempts
    )
    SELECT post_id, subscription_id, attempts, endpoint, p256dh, auth
    FROM claimed JOIN notifications_pushsubscription device ON device.id = subscription_id
"""

CLAIM_RETRIES = """
    WITH claimed AS (
        UPDATE notifications_delivery delivery
        SET state = 'sending', attempts = attempts + 1, lease_until = %(lease)s
        FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[]) AS due (post_id, subscription_id)
        WHERE delivery.post_id = due.post_id
              AND delivery.subscription_id = due.subscription_id
              AND (delivery.state = 'retrying'
                   OR delivery.state = 'sending' AND delivery.lease_until < %(now)s)
        RETURNING delivery.post_id, delivery.subscription_id, delivery.attempts
    )
    SELECT post_id, subscription_id, attempts, endpoint, p256dh, auth
    FROM claimed JOIN notifications_pushsubscription device ON device.id = subscription_id
"""

SETTLE = """
    UPDATE notifications_delivery delivery
    SET state = outcome.state, provider_status = outcome.status, reason = outcome.reason,
        lease_until = NULL, settled_at = CASE WHEN outcome.state <> 'retrying' THEN %s END
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[], %s::text[])
         AS outcome (post_id, subscription_id, state, status, reason)
    WHERE delivery.post_id = outcome.post_id
          AND delivery.subscription_id = outcome.subscription_id
          AND delivery.state = 'sending'
    RETURNING delivery.post_id, delivery.state
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: a Delivery.State, the provider's HTTP status, the reason if any, for a
    retry the seconds that the provider asked to wait, and whether the subscription is gone."""

    push: Push
    state: str
    status: int | None = None
    reason: str = ""
    retry_after: float = 0.0
    gone: bool = False


def live_posts(post_ids: set[int]) -> dict[int, Post]:
    """Those of the posts that may still be told of, with their authors."""
    posts = Post.objects.filter(deleted_at=None, author__is_active=True)
    return posts.select_related("author").in_bulk(post_ids)


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
        cursor.execute(NOTIFY, parameters)
        cursor.execute(CLAIM, parameters)
        return [Push(*row) for row in cursor]


def claim_retries(due: Sequence[tuple[int, int]], *, now: datetime) -> list[Push]:
    """Claim the pushes that wait for another attempt, of (post id, subscription id) pairs."""
    posts, devices = zip(*due, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM_RETRIES,
            {"posts": list(posts), "devices": list(devices), "now": now, "lease": now + LEASE},
        )
        return [Push(*row) for row in cursor]


@transaction.atomic
def settle(
    outcomes: Sequence[Outcome],
    posts: dict[int, Post],
    *,
    now: datetime,
    slices: Sequence[Slice] = (),
) -> None:
    """Record how the claimed pushes ended, with one `push.settled` event a post, and that the
    slices are done."""
    tried = Counter(outcome.push.post_id for outcome in outcomes)
    SliceRecord.objects.bulk_create(
        [
            SliceRecord(**piece._asdict(), rows=tried[piece.post_id], written_at=now)
            for piece in slices
            if piece.post_id in posts
        ],
        ignore_conflicts=True,
    )
    if not outcomes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE,
            [
                now,
                [outcome.push.post_id for outcome in outcomes],
                [outcome.push.subscription_id for outcome in outcomes],
                [outcome.state for outcome in outcomes],
                [outcome.status for outcome in outcomes],
                [outcome.reason[:200] for outcome in outcomes],
            ],
        )
        settled = Counter(row for row in cursor if row[1] != Delivery.State.RETRYING)
    sent, failed = Counter(), Counter()
    for (post_id, state), count in settled.items():
        (sent if state == Delivery.State.SENT else failed)[post_id] += count
    outbox.record_all(
        "push.settled",
        [
            PushSettled(
                post_id=post_id,
                author_id=posts[post_id].author_id,
                sent=sent[post_id],
                failed=failed[post_id],
            )
            for post_id in sorted({*sent, *failed})
        ],
        now=now,
    )
