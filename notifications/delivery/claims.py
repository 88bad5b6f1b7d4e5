"""Claims pushes: each push is a Delivery row that a task claims, with a lease, before it sends it.

Guarantee: only one task at a time holds the claim to a push. If a sender dies, its own task takes
its claims over when the broker redelivers it, and any task may once the lease has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, connection, transaction

from events import apart
from events.errors import is_data_error
from fanout import partitions
from fanout.slices import Slice
from notifications.delivery.suppression import HELD, HOUR, SLOTS, TTL
from notifications.models import Delivery, Notification, PushSubscription
from notifications.reasons import describe
from social.models import Post

log = structlog.get_logger(__name__)

# Several times as long as a push waits for its turn and its answer, so that no task takes over the
# claim of a living sender. If it happens anyway, the push is repeated, and settled once.
LEASE = timedelta(minutes=3)

# Finds the recipients of slices, inserts their notifications, and claims the pushes to their
# devices, each row once. A suppressed push is settled at once, as 'held'. A push whose sender died
# is claimed again.
# Uses the index social_follow_fanout for the followers, then the primary key of preferences (few
# followers have one), then the primary key of users for who is active. (That is a subquery because
# for a join the planner may read all users.)
# No value in a row can make the statement fail: texts are cut to their column, and the counter of
# attempts stays in range.
CLAIM = f"""
    WITH audience AS MATERIALIZED (
        SELECT slice.post_id, follow.follower_id, slice.fresh,
               {HELD} AS held, preference.hourly_cap IS NOT NULL OR NOT slice.fresh AS counted
        FROM unnest(%(posts)s::bigint[], %(authors)s::bigint[],
                    %(after)s::bigint[], %(up_to)s::bigint[], %(fresh)s::boolean[])
             AS slice (post_id, author_id, after, up_to, fresh)
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
    ), candidates AS MATERIALIZED (
        SELECT post_id, follower_id AS user_id, fresh FROM audience WHERE held IS NULL AND counted
    ), {SLOTS}, decided AS MATERIALIZED (
        SELECT audience.post_id, audience.follower_id,
               CASE WHEN audience.held IS NOT NULL OR allowed IS NOT FALSE THEN audience.held
                    WHEN audience.fresh THEN 'hourly cap' ELSE 'late' END AS held,
               summaries.user_id IS NOT NULL AS summary
        FROM audience
        LEFT JOIN judged
             ON judged.user_id = audience.follower_id AND judged.post_id = audience.post_id
        LEFT JOIN summaries
             ON summaries.user_id = audience.follower_id AND summaries.post_id = audience.post_id
    ), notified AS (
        INSERT INTO notifications_notification (recipient_id, post_id, created_at, held)
        SELECT follower_id, post_id, %(now)s, held FROM decided ORDER BY follower_id, post_id
        ON CONFLICT DO NOTHING
    ), claimed AS (
        INSERT INTO notifications_delivery
            (post_id, subscription_id, recipient_id, host, summary,
             state, attempts, reason, created_at, due_at, claimed_by, settled_at)
        SELECT push.post_id, device.id, device.user_id,
               left(CASE device.transport WHEN 'web_push' THEN split_part(device.endpoint, '/', 3)
                                          ELSE device.transport END, 100),
               summary,
               CASE WHEN sent THEN 'sending' ELSE 'held' END,
               CASE WHEN sent THEN 1 ELSE 0 END,
               CASE WHEN sent THEN '' ELSE held END, %(now)s,
               CASE WHEN sent THEN %(lease)s::timestamptz END, %(task)s::uuid,
               CASE WHEN NOT sent THEN %(now)s::timestamptz END
        FROM (SELECT *, held IS NULL OR summary AS sent FROM decided) AS push
        JOIN notifications_pushsubscription device ON device.user_id = push.follower_id
             AND (%(device)s IS NULL OR device.id = %(device)s)
        ORDER BY push.post_id, device.id
        ON CONFLICT (post_id, subscription_id) DO UPDATE
            SET attempts = least(notifications_delivery.attempts, 32766) + 1,
                due_at = %(lease)s, claimed_by = %(task)s::uuid
            WHERE notifications_delivery.state = 'sending'
                  AND (notifications_delivery.claimed_by = %(task)s::uuid
                       OR notifications_delivery.due_at < %(now)s)
        RETURNING post_id, subscription_id, recipient_id, attempts, state, rejected_at, summary
    )
    SELECT post_id, subscription_id, attempts, transport, endpoint, p256dh, auth, '',
           recipient_id, rejected_at, summary, wishes
    FROM claimed JOIN notifications_pushsubscription device ON device.id = subscription_id
    WHERE claimed.state = 'sending'
"""

# The followers of a slice who get notifications. Uses the index social_follow_fanout and the
# primary key of preferences.
RECIPIENTS = """
    SELECT follower_id FROM social_follow
    JOIN notifications_preference preference ON preference.user_id = follower_id
    WHERE followee_id = %s AND follower_id > %s AND follower_id <= %s AND preference.push_enabled
    ORDER BY follower_id
"""
RECORD_FAILED = """
    INSERT INTO notifications_delivery
        (post_id, subscription_id, recipient_id,
         state, attempts, reason, created_at, claimed_by, settled_at)
    SELECT %(post)s, id, user_id, 'failed', 1, %(reason)s, %(now)s, %(task)s::uuid, %(now)s
    FROM notifications_pushsubscription WHERE id = %(device)s
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Push:
    """A claimed push. `attempt` counts from 1. `unwanted` says why the push must not be sent any
    more, for example because the user has unfollowed the author; "" to send it. `transport`,
    `endpoint`, `p256dh` and `auth` are empty if the device was removed. A `summary` replaces
    suppressed pushes. `wishes` are the device's, as JSON."""

    post_id: int
    subscription_id: int
    attempt: int
    transport: str
    endpoint: str
    p256dh: str
    auth: str
    unwanted: str = ""
    user_id: int = 0
    rejected_at: datetime | None = None
    summary: bool = False
    wishes: str | None = None

    @property
    def message_id(self) -> int:
        """The key of this push's message in Round.messages."""
        return -self.post_id if self.summary else self.post_id


def claim(
    slices: Sequence[Slice], posts: dict[int, Post], *, task: UUID, now: datetime
) -> list[Push]:
    """Create the notifications for the slices of these posts, and claim the pushes that no other
    task has claimed. If a row makes that fail with a data error, the slices are split until the row
    is alone: its push is recorded as failed, and the others are claimed."""
    if not slices:
        return []
    try:
        return _claim(slices, posts, task, now)
    except Exception as error:
        if not is_data_error(error):
            raise
        failure = error
    if halves := _halves(slices, posts):
        return [push for half in halves for push in claim(half, posts, task=task, now=now)]
    return _claim_each(slices[0], posts, task, now, failure)


def _halves(slices: Sequence[Slice], posts: dict[int, Post]) -> list[Sequence[Slice]]:
    """Split the slices in two, or a single slice in two by its followers. Returns [] for a slice
    with a single follower."""
    if len(slices) > 1:
        middle = len(slices) // 2
        return [slices[:middle], slices[middle:]]
    (slice_,) = slices
    followers = _recipients(slice_, posts)
    if len(followers) < 2:
        return []
    middle = followers[len(followers) // 2 - 1]
    return [[slice_._replace(up_to=middle)], [slice_._replace(after=middle)]]


def _recipients(slice_: Slice, posts: dict[int, Post]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(RECIPIENTS, [posts[slice_.post_id].author_id, slice_.after, slice_.up_to])
        return [row[0] for row in cursor]


def _claim_each(
    slice_: Slice, posts: dict[int, Post], task: UUID, now: datetime, failure: Exception
) -> list[Push]:
    """Claim the pushes to a single follower one by one. Those that fail are recorded as failed."""
    pushes = []
    follower = _recipients(slice_, posts)
    devices = PushSubscription.objects.filter(user__in=follower).order_by("pk")
    log.error("one follower's pushes fail", post_id=slice_.post_id, error=describe(failure))
    for device in devices.values_list("pk", flat=True):
        try:
            pushes += _claim([slice_], posts, task, now, device)
        except Exception as error:
            if not is_data_error(error):
                raise
            about = {"post": slice_.post_id, "device": device}
            values = about | {"reason": describe(error), "task": str(task), "now": now}
            apart.record(RECORD_FAILED, values, what="a failed push cannot be recorded", **about)
    return pushes


def _claim(
    slices: Sequence[Slice],
    posts: dict[int, Post],
    task: UUID,
    now: datetime,
    device: int | None = None,
) -> list[Push]:
    """Claim the pushes of the slices, only to `device` if it is given. Creates missing partitions.
    Raises the errors of the statement."""
    parameters = claim_parameters(slices, posts, task, now) | {"device": device}
    try:
        return _execute(parameters)
    except IntegrityError as error:
        if not partitions.is_missing(error):
            raise
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, posts)
    return _execute(parameters)


@transaction.atomic
def _execute(parameters: dict[str, Any]) -> list[Push]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        return [Push(*row) for row in cursor]


def claim_parameters(
    slices: Sequence[Slice], posts: dict[int, Post], task: UUID, now: datetime
) -> dict[str, Any]:
    """The parameters of CLAIM."""
    posts_of_slices = [posts[slice_.post_id] for slice_ in slices]
    return {
        "posts": [post.pk for post in posts_of_slices],
        "authors": [post.author_id for post in posts_of_slices],
        "after": [slice_.after for slice_ in slices],
        "up_to": [slice_.up_to for slice_ in slices],
        "fresh": [post.created_at > now - HOUR for post in posts_of_slices],
        "hour_ago": now - HOUR,
        "expired": now - TTL,
        "task": str(task),
        "now": now,
        "lease": now + LEASE,
        "device": None,
    }


def keys(pairs: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The parameters that select deliveries by (post id, subscription id) pairs."""
    posts, devices = zip(*pairs, strict=True)
    return {
        "posts": list(posts),
        "devices": list(devices),
        "lowest": min(posts),
        "highest": max(posts),
    }
