"""The delivery of one post: into how many timelines, to how many devices, and how fast.

Guarantee: every post takes the same few statements, each with a key of the post or the author.
Figures about few users can be hidden from the author, since they would reveal when one of them
sleeps, mutes the author or stays away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from fanout import ledger
from fanout.models import Horizon
from fanout.slices import Slice
from notifications.models import Delivery
from social import follow_counts
from social.models import Post
from timelines.models import SliceRecord, TimelineEntry

MILLISECOND = timedelta(milliseconds=1)

# The number of followers in the slices that are not written yet.
# Uses only the index social_follow_fanout.
MISSING = """
    SELECT count(*) FROM unnest(%(after)s::bigint[], %(up_to)s::bigint[]) AS slice (after, up_to)
    JOIN social_follow follow ON follow.followee_id = %(author)s
         AND follow.follower_id > slice.after AND follow.follower_id <= slice.up_to
         AND NOT follow.dormant
"""
# Uses the primary key (post, subscription), in the post's partition.
PUSHES = """
    WITH push AS (
        SELECT state, settled_at, recipient_id FROM notifications_delivery
        WHERE post_id = %(post)s
    )
    SELECT coalesce((
               SELECT json_object_agg(state, count)
               FROM (SELECT state, count(*) FROM push GROUP BY state) AS by_state
           ), '{}'),
           (
               SELECT percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY settled_at)
               FROM push WHERE state = 'sent'
           ),
           (SELECT count(DISTINCT recipient_id) FROM push)
"""


@dataclass(frozen=True)
class PostDelivery:
    """`expected` counts the timelines that are `written` or still to be written, without dormant
    followers and those who began to follow later. `latencies_ms` has p50, p95 and p99 of the sent
    pushes; `people` is the number of recipients of all pushes. Values are None if the rows have
    expired. `state` is "delivered" once every slice is written, whoever is in it."""

    state: str
    followers: int
    written: int | None
    expected: int | None
    pushes: Mapping[str, int | None]
    latencies_ms: Mapping[str, int | None]
    people: int

    def about_few(self) -> list[str]:
        """Return the names of the figures that are about fewer than FIGURES_FROM people."""
        few = []
        if self.expected is not None and self.expected < settings.FIGURES_FROM:
            few.append("timelines")
        if self.people < settings.FIGURES_FROM:
            few += ["pushes", "push_latency_ms"]
        return few


def of(post: Post) -> PostDelivery:
    expired = set(Horizon.objects.filter(post_id__gt=post.pk).values_list("table_name", flat=True))
    written = expected = None
    holes: list[Slice] = []
    if TimelineEntry._meta.db_table not in expired:
        records = SliceRecord.objects.filter(post_id=post.pk)
        written = records.aggregate(rows=Sum("rows", default=0))["rows"]
        holes = ledger.holes(SliceRecord, [post.pk])[post.pk]
        expected = written + _missing(post, holes)
    pushes, settled, people = _pushes(post)
    none = None if Delivery._meta.db_table in expired else 0
    return PostDelivery(
        state="under way" if holes else "delivered",
        followers=follow_counts.read(post.author_id).followers,
        written=written,
        expected=expected,
        pushes={state: pushes.get(state, none) for state in Delivery.State.values},
        latencies_ms=_latencies(settled, post.created_at),
        people=people,
    )


def _missing(post: Post, holes: list[Slice]) -> int:
    """Return the number of followers in the slices that are not written."""
    ranges: dict[str, Any] = {
        "author": post.author_id,
        "after": [hole.after for hole in holes],
        "up_to": [hole.up_to for hole in holes],
    }
    with connection.cursor() as cursor:
        cursor.execute(MISSING, ranges)
        return int(cursor.fetchone()[0])


def _pushes(post: Post) -> tuple[dict[str, int], list[datetime] | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(PUSHES, {"post": post.pk})
        states, moments, people = cursor.fetchone()
        return states, moments, people


def _latencies(settled: list[datetime] | None, since: datetime) -> dict[str, int | None]:
    moments = settled or (None, None, None)
    return {
        name: None if at is None else max(0, round((at - since) / MILLISECOND))
        for name, at in zip(("p50", "p95", "p99"), moments, strict=True)
    }
