"""A post a minute through the whole house, from the outbox to a device that is the log: the age of
the newest one that has gone the whole way is the most honest figure that there is.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection, transaction

from notifications import preferences
from notifications.models import PushSubscription
from operations.models import Canary
from social import canaries, posts
from social.models import CANARY_PREFIX, User
from timelines import dormancy, reading

log = structlog.get_logger(__name__)

TRANSPORT = "console"
KEPT = 1_000

# Of the newest canaries: when the slice with the follower was written, and the push accepted; each
# by its key.
LOOK = """
    SELECT canary.post_id, canary.posted_at, slice.written_at, push.settled_at
    FROM (
        SELECT post_id, posted_at FROM operations_canary ORDER BY post_id DESC LIMIT %s
    ) AS canary
    LEFT JOIN timelines_timelineentry entry
           ON entry.owner_id = %s AND entry.post_id = canary.post_id
    LEFT JOIN timelines_slicerecord slice ON slice.post_id = canary.post_id
          AND entry.owner_id > slice.after AND entry.owner_id <= slice.up_to
    LEFT JOIN LATERAL (
        SELECT settled_at FROM notifications_delivery
        WHERE post_id = canary.post_id AND state = 'sent' AND recipient_id = %s LIMIT 1
    ) AS push ON true
    ORDER BY canary.post_id DESC
"""


@dataclass(frozen=True)
class Flight:
    """A canary's way; a time is None while it has not come so far."""

    post_id: int
    posted_at: datetime
    written_at: datetime | None
    pushed_at: datetime | None

    @property
    def arrived(self) -> bool:
        return self.written_at is not None and self.pushed_at is not None


@transaction.atomic
def release(*, now: datetime) -> Canary:
    """Post the next canary; makes its accounts and its device where they are missing."""
    author, follower = canaries.ensure(now=now)
    _mend_device(follower, now)
    # Whoever never looks is not written to any more.
    dormancy.note_visit(follower.pk, reading.state(follower.pk).seen_at, now=now)
    post = posts.publish(author, f"canary of {now:%Y-%m-%d %H:%M:%S}", now=now)
    Canary.objects.filter(pk__in=Canary.objects.order_by("-pk").values("pk")[KEPT:]).delete()
    return Canary.objects.create(post_id=post.pk, posted_at=now)


def _mend_device(follower: User, now: datetime) -> None:
    """Make sure that the follower has the device and wants its pushes. What another canary found in
    order and this one does not is an error: somebody has been at it."""
    preference = preferences.lock(follower)
    device = PushSubscription.objects.filter(transport=TRANSPORT, endpoint=f"{CANARY_PREFIX}log")
    foreign, _ = device.exclude(user=follower).delete()
    _, made = device.get_or_create(
        defaults={
            "user": follower,
            "transport": TRANSPORT,
            "endpoint": f"{CANARY_PREFIX}log",
            "created_at": now,
        }
    )
    if foreign or (made and Canary.objects.exists()):
        log.error("the canary's device was taken" if foreign else "the canary's device was gone")
    if not preference.push_enabled:
        preference.push_enabled = True
        preference.save(update_fields=["push_enabled"])
        log.error("the canary's pushes were switched off")


def device_is_there() -> bool:
    """Whether the follower has the device; False too where somebody else has taken it."""
    follower = canaries.accounts().filter(username__endswith="follower")
    return PushSubscription.objects.filter(
        user__in=follower, transport=TRANSPORT, endpoint=f"{CANARY_PREFIX}log"
    ).exists()


def flights(count: int = 10) -> list[Flight]:
    """The newest canaries, newest first."""
    follower = canaries.accounts().filter(username__endswith="follower").first()
    if follower is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [count, follower.pk, follower.pk])
        return [Flight(*row) for row in cursor]


def age(*, now: datetime) -> float | None:
    """Seconds since the newest canary that has gone the whole way was posted, of the last hour's;
    since the oldest of these where none has; None where there is none."""
    found = flights(60)
    arrived = [flight.posted_at for flight in found if flight.arrived]
    since = max(arrived) if arrived else min((f.posted_at for f in found), default=None)
    return None if since is None else (now - since).total_seconds()
