"""Counting recorded events by day.

Guarantee: an event is counted once: it is marked as counted in the transaction that adds it, so
that a rollup that is lost, repeated or run twice at once does no harm.
"""

from collections import Counter
from datetime import UTC, date

import msgspec
from django.db import connection, transaction

from analytics.models import DailyCount

Metric = DailyCount.Metric
BATCH = 5_000

# By the index analytics_record_uncounted. Two rollups at once take different events.
TAKE = """
    UPDATE analytics_eventrecord SET counted = true
    WHERE event_id IN (
        SELECT event_id FROM analytics_eventrecord WHERE NOT counted
        ORDER BY event_id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    RETURNING event_type, occurred_at, data
"""

ADD = """
    INSERT INTO analytics_dailycount (day, metric, count)
    SELECT * FROM unnest(%s::date[], %s::text[], %s::bigint[]) AS increment (day, metric, count)
    ORDER BY day, metric
    ON CONFLICT (day, metric) DO UPDATE SET count = analytics_dailycount.count + EXCLUDED.count
"""

# What an event of each type adds to which metrics.
INCREMENTS = {
    "post.created": lambda data: {Metric.POSTS: 1},
    "user.followed": lambda data: {Metric.FOLLOWS: 1},
    "user.unfollowed": lambda data: {Metric.UNFOLLOWS: 1},
    "timeline.delivered": lambda data: {Metric.TIMELINE_ROWS: data["rows"]},
    "push.settled": lambda data: {
        Metric.PUSHES_SENT: data["sent"],
        Metric.PUSHES_FAILED: data["failed"],
    },
}


def roll_up() -> int:
    """Count what is recorded and not counted yet; returns how many events that were."""
    total = 0
    while taken := _roll_up_batch():
        total += taken
    return total


@transaction.atomic
def _roll_up_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [BATCH])
        events = cursor.fetchall()
        counts = _count(events)
        if counts:
            days, metrics = zip(*counts, strict=True)
            cursor.execute(ADD, [list(days), list(metrics), list(counts.values())])
    return len(events)


def _count(events: list[tuple]) -> Counter[tuple[date, str]]:
    """Of (type, time, data as JSON text) rows."""
    counts: Counter[tuple[date, str]] = Counter()
    for event_type, occurred_at, data in events:
        day = occurred_at.astimezone(UTC).date()
        increments = INCREMENTS.get(event_type, lambda data: {})
        for metric, amount in increments(msgspec.json.decode(data)).items():
            if amount:
                counts[day, str(metric)] += amount
    return counts
