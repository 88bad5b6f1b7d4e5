"""Checks again, before a retry, whether the user's hourly cap allows the push.

Guarantee: the cap limits the pushes that are sent. So it also holds when a push service was down
for hours and then accepts all waiting pushes at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction

from events.apart import taken_apart
from notifications.delivery.claims import Push
from notifications.delivery.suppression import HOUR, SLOTS, TTL
from notifications.models import Held
from notifications.reasons import describe

# Returns the pushes that the cap does not allow, and whether each becomes a summary. It reads only
# users with a cap, found by their devices. A retry whose post already has a slot of the last hour
# keeps it. `summed_up` marks a push that becomes a summary, for its later attempts.
# Uses the primary keys of devices, preferences and deliveries.
RENEW = f"""
    WITH due AS MATERIALIZED (
        SELECT push.post_id, device.id, device.user_id
        FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[]) AS push (post_id, device_id)
        JOIN notifications_pushsubscription device ON device.id = push.device_id
        JOIN notifications_preference preference
             ON preference.user_id = device.user_id AND preference.hourly_cap IS NOT NULL
    ), candidates AS MATERIALIZED (
        SELECT post_id, user_id, true AS fresh FROM due
    ), {SLOTS}, summed_up AS (
        UPDATE notifications_delivery delivery SET summary = true
        FROM due JOIN summaries USING (user_id, post_id)
        WHERE delivery.post_id = due.post_id AND delivery.subscription_id = due.id
              AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
    )
    SELECT due.post_id, due.id, summaries.user_id IS NOT NULL
    FROM due JOIN judged USING (user_id, post_id)
    LEFT JOIN summaries USING (user_id, post_id)
    WHERE NOT judged.allowed
"""


def renew(pushes: Sequence[Push], *, now: datetime) -> list[Push]:
    """Returns the pushes; those that exceed a cap are now unwanted, or summaries. If a row makes
    the statement fail with a data error, the pushes are split until it is alone: that push is
    unwanted, with the error as its reason."""
    return taken_apart(
        pushes,
        lambda part: _renew(part, now),
        lambda push, error: [replace(push, unwanted=describe(error))],
    )


def _renew(pushes: Sequence[Push], now: datetime) -> list[Push]:
    candidates = [push for push in pushes if not (push.unwanted or push.summary)]
    if not candidates:
        return list(pushes)
    denied = _denied(candidates, now)
    return [_renewed(push, denied.get((push.post_id, push.subscription_id))) for push in pushes]


@transaction.atomic
def _denied(candidates: Sequence[Push], now: datetime) -> dict[tuple[int, int], bool]:
    """The pushes that exceed a cap, by (post id, subscription id): True if it becomes a summary."""
    with connection.cursor() as cursor:
        cursor.execute(
            RENEW,
            {
                "posts": [push.post_id for push in candidates],
                "devices": [push.subscription_id for push in candidates],
                "lowest": min(push.post_id for push in candidates),
                "highest": max(push.post_id for push in candidates),
                "now": now,
                "hour_ago": now - HOUR,
                "expired": now - TTL,
            },
        )
        return {(post_id, device): summary for post_id, device, summary in cursor}


def _renewed(push: Push, summary: bool | None) -> Push:
    if summary is None:
        return push
    return replace(push, summary=True) if summary else replace(push, unwanted=Held.HOURLY_CAP.value)
