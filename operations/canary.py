"""Canaries: a test post every minute that passes through the whole system, from the outbox to a
device that writes to the log. The age of the newest canary that has arrived shows whether posts
arrive at all.
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

# For the newest canaries: when the slice with the follower was written, and when the push was
# accepted. Uses the primary key of each table.
FLIGHTS = """
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
    """The times of a canary; None for a stage that it has not reached yet."""

    post_id: int
    posted_at: datetime
    written_at: datetime | None
    pushed_at: datetime | None

    @property
    def arrived(self) -> bool:
        return self.written_at is not None and self.pushed_at is not None


@transaction.atomic
def release(*, now: datetime) -> Canary:
    """Post the next canary; create its accounts and its device if they are missing."""
    author, follower = canaries.ensure(now=now)
    _mend_device(follower, now)
    # Without visits the follower would become dormant, and nothing would be written to it.
    dormancy.note_visit(follower.pk, reading.state(follower.pk).seen_at, now=now)
    post = posts.publish(author, f"canary of {now:%Y-%m-%d %H:%M:%S}", now=now)
    Canary.objects.filter(pk__in=Canary.objects.order_by("-pk").values("pk")[KEPT:]).delete()
    return Canary.objects.create(post_id=post.pk, posted_at=now)


def _mend_device(follower: User, now: datetime) -> None:
    """Make sure that the follower has the device and push is enabled. Log an error if that was so
    for an earlier canary, since then somebody has changed it."""
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
    """Return True if the follower has the device; False also if another user has taken it over."""
    follower = canaries.accounts().filter(username__endswith="follower")
    return PushSubscription.objects.filter(
        user__in=follower, transport=TRANSPORT, endpoint=f"{CANARY_PREFIX}log"
    ).exists()


def flights(count: int = 10) -> list[Flight]:
    """Return the newest canaries, newest first."""
    follower = canaries.accounts().filter(username__endswith="follower").first()
    if follower is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(FLIGHTS, [count, follower.pk, follower.pk])
        return [Flight(*row) for row in cursor]


def age(*, now: datetime) -> float | None:
    """Return the age in seconds of the newest canary that has arrived. If none of the last hour's
    has arrived, return the age of the oldest of them; None if there are none."""
    found = flights(60)
    arrived = [flight.posted_at for flight in found if flight.arrived]
    since = max(arrived) if arrived else min((f.posted_at for f in found), default=None)
    return None if since is None else (now - since).total_seconds()
