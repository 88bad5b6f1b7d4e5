"""Settling pushes: how each attempt ended, in one transaction with the event that tells of it.

Guarantee: a claimed push is settled once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from events import outbox
from notifications.claims import Push, keys
from notifications.event_types import PushSettled
from notifications.models import Delivery, SliceRecord
from social.models import Post
from social.slices import Slice

SETTLE = """
    UPDATE notifications_delivery delivery
    SET state = outcome.state, provider_status = outcome.status, reason = outcome.reason,
        lease_until = NULL, settled_at = CASE WHEN outcome.state <> 'retrying' THEN %(now)s END
    FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[],
                %(states)s::text[], %(statuses)s::int[], %(reasons)s::text[])
         AS outcome (post_id, subscription_id, state, status, reason)
    WHERE delivery.post_id = outcome.post_id
          AND delivery.subscription_id = outcome.subscription_id
          AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
          AND delivery.state = 'sending'
    RETURNING delivery.post_id, delivery.state
"""


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
            keys([(o.push.post_id, o.push.subscription_id) for o in outcomes])
            | {
                "now": now,
                "states": [outcome.state for outcome in outcomes],
                "statuses": [outcome.status for outcome in outcomes],
                "reasons": [outcome.reason[:200] for outcome in outcomes],
            },
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
