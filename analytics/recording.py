"""Recording events and counting them by day.

Guarantee: an event is recorded and counted once, however often it is given: the counts grow by
what was newly recorded, in the same transaction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from django.db import connection, transaction
from msgspec import json

from analytics.models import DailyCount

Metric = DailyCount.Metric

RECORD = """
    INSERT INTO analytics_eventrecord (event_id, event_type, occurred_at, data)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::jsonb[])
        AS event (id, type, occurred_at, data)
    ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING event_id
"""

COUNT = """
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


@transaction.atomic
def record(events: Iterable[Mapping]) -> int:
    """Record {event_id, event_type, timestamp (ISO 8601), data} each; returns how many were new."""
    given = {event["event_id"]: event for event in events}
    columns = [
        list(given),
        [event["event_type"] for event in given.values()],
        [event["timestamp"] for event in given.values()],
        [json.encode(event["data"]).decode() for event in given.values()],
    ]
    with connection.cursor() as cursor:
        cursor.execute(RECORD, columns)
        fresh = [given[row[0]] for row in cursor]
        counts = _count(fresh)
        if counts:
            days, metrics = zip(*counts, strict=True)
            cursor.execute(COUNT, [list(days), list(metrics), list(counts.values())])
    return len(fresh)


def _count(events: Iterable[Mapping]) -> Counter[tuple[date, str]]:
    counts: Counter[tuple[date, str]] = Counter()
    for event in events:
        day = datetime.fromisoformat(event["timestamp"]).date()
        increments = INCREMENTS.get(event["event_type"], lambda data: {})(event["data"])
        for metric, amount in increments.items():
            if amount:
                counts[day, str(metric)] += amount
    return counts
