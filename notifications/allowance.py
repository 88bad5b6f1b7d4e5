"""Asking again whether a user's hourly cap lets a retry through.

Guarantee: the cap holds for what is sent, also where a push service was away for hours and takes
all that has been waiting at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction

from events.apart import taken_apart
from notifications.claims import Push
from notifications.holding import HOUR, SLOTS, TTL
from notifications.models import Held
from notifications.reasons import words

# Only pushes to users with a cap, whom their devices name. A retry whose post has a slot of the
# last hour keeps it. A push that becomes a summary is noted to be one, for its next attempt.
RENEW = f"""
    WITH due AS MATERIALIZED (
        SELECT push.post_id, device.id, device.user_id
        FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[]) AS push (post_id, device_id)
        JOIN notifications_pushsubscription device ON device.id = push.device_id
        JOIN notifications_preference preference
             ON preference.user_id = device.user_id AND preference.hourly_cap IS NOT NULL
    ), asked AS MATERIALIZED (
        SELECT post_id, user_id, true AS fresh FROM due
    ), {SLOTS}, summed_up AS (
        UPDATE notifications_delivery delivery SET summary = true
        FROM due JOIN rest USING (user_id, post_id)
        WHERE delivery.post_id = due.post_id AND delivery.subscription_id = due.id
              AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
    )
    SELECT due.post_id, due.id, rest.user_id IS NOT NULL
    FROM due JOIN judged USING (user_id, post_id)
    LEFT JOIN rest USING (user_id, post_id)
    WHERE NOT judged.allowed
"""


def renew(pushes: Sequence[Push], *, now: datetime) -> list[Push]:
    """The pushes; those beyond a cap are unwanted by now, or are summaries. Those that fail for
    what some row holds are taken apart until it is alone: it is unwanted, for that reason."""
    return taken_apart(
        pushes,
        lambda part: _renew(part, now),
        lambda push, error: [replace(push, unwanted=words(error))],
    )


def _renew(pushes: Sequence[Push], now: datetime) -> list[Push]:
    asked = [push for push in pushes if not (push.unwanted or push.summary)]
    if not asked:
        return list(pushes)
    beyond = _ask(asked, now)
    return [_renewed(push, beyond.get((push.post_id, push.subscription_id))) for push in pushes]


@transaction.atomic
def _ask(asked: Sequence[Push], now: datetime) -> dict[tuple[int, int], bool]:
    """The pushes beyond a cap by (post id, subscription id), and whether each becomes a summary."""
    with connection.cursor() as cursor:
        cursor.execute(
            RENEW,
            {
                "posts": [push.post_id for push in asked],
                "devices": [push.subscription_id for push in asked],
                "lowest": min(push.post_id for push in asked),
                "highest": max(push.post_id for push in asked),
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
