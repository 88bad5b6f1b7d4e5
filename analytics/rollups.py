"""Add recorded events to the sums per minute, hour and day, for everybody and per author.

Guarantee: an event is counted once. The transaction that adds it to the sums also marks it as
counted, so that a task may be lost, repeated, or run twice at the same time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from analytics import histogram
from analytics.models import COUNTS, HISTOGRAMS, Rollup
from events.errors import passing
from social import canaries

log = structlog.get_logger(__name__)

BATCH = 5_000

# Uses the index analytics_record_uncounted. Two tasks at the same time take different events.
TAKE = """
    UPDATE analytics_eventrecord SET counted = true
    WHERE (event_id, occurred_at) IN (
        SELECT event_id, occurred_at FROM analytics_eventrecord WHERE NOT counted
        ORDER BY event_id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    RETURNING event_type, occurred_at, data
"""

# In the order of the key, so that two tasks never deadlock. The index of the key,
# analytics_rollup_once, finds the row to add to.
ADD = """
    INSERT INTO analytics_rollup AS total (
        period, author_id, starts_at, posts, reach, slices, pushed, gained, lost,
        pushes_sent, pushes_failed, pushes_refused, pushes_expired, timeline_latency, push_latency
    )
    SELECT
        period, author_id, starts_at, posts, reach, slices, pushed, gained, lost,
        pushes_sent, pushes_failed, pushes_refused, pushes_expired, timeline_latency, push_latency
    FROM jsonb_to_recordset(%s) AS added (
        period text, author_id bigint, starts_at timestamptz,
        posts bigint, reach bigint, slices bigint, pushed bigint, gained bigint, lost bigint,
        pushes_sent bigint, pushes_failed bigint, pushes_refused bigint, pushes_expired bigint,
        timeline_latency bigint[], push_latency bigint[]
    )
    ORDER BY period, author_id, starts_at
    ON CONFLICT (period, author_id, starts_at) DO UPDATE SET
        posts = total.posts + EXCLUDED.posts,
        reach = total.reach + EXCLUDED.reach,
        slices = total.slices + EXCLUDED.slices,
        pushed = total.pushed + EXCLUDED.pushed,
        gained = total.gained + EXCLUDED.gained,
        lost = total.lost + EXCLUDED.lost,
        pushes_sent = total.pushes_sent + EXCLUDED.pushes_sent,
        pushes_failed = total.pushes_failed + EXCLUDED.pushes_failed,
        pushes_refused = total.pushes_refused + EXCLUDED.pushes_refused,
        pushes_expired = total.pushes_expired + EXCLUDED.pushes_expired,
        timeline_latency = (
            SELECT array_agg(before + more ORDER BY place)
            FROM unnest(total.timeline_latency, EXCLUDED.timeline_latency)
                WITH ORDINALITY AS bucket (before, more, place)
        ),
        push_latency = (
            SELECT array_agg(before + more ORDER BY place)
            FROM unnest(total.push_latency, EXCLUDED.push_latency)
                WITH ORDINALITY AS bucket (before, more, place)
        )
"""

# By period, the function that maps an event's time to the period's start.
STARTS: dict[Rollup.Period, Callable[[datetime], datetime]] = {
    Rollup.Period.MINUTE: lambda at: at.replace(second=0, microsecond=0),
    Rollup.Period.HOUR: lambda at: at.replace(minute=0, second=0, microsecond=0),
    Rollup.Period.DAY: lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0),
}


def roll_up() -> int:
    """Count all recorded events that are not counted yet; returns how many they were."""
    total, size = 0, BATCH
    while True:
        try:
            taken = _roll_up_batch(size)
        except Exception as error:
            if passing(error) or size == 1:
                raise
            # An event of the batch cannot be counted. Halve the batch until that event is alone.
            size //= 2
            continue
        if not taken:
            return total
        total += taken
        size = min(BATCH, size * 2)


@transaction.atomic
def _roll_up_batch(size: int) -> int:
    """Count one batch of at most `size` events; returns how many it had. Raises the error that one
    of several events causes. A single event that cannot be counted is skipped for good."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [size])
        events = cursor.fetchall()
        try:
            with transaction.atomic():
                _add(cursor, events)
        except Exception as error:
            if len(events) > 1 or passing(error):
                raise
            log.exception("an event cannot be counted and is skipped", kind=events[0][0])
    return len(events)


def _add(cursor: CursorWrapper, events: Sequence[tuple[str, datetime, str]]) -> None:
    sums = _sum(events, ignored=set(canaries.accounts().values_list("pk", flat=True)))
    if sums:
        cursor.execute(ADD, [msgspec.json.encode(sums).decode()])


def _sum(events: Iterable[tuple[str, datetime, str]], ignored: set[int]) -> list[dict[str, Any]]:
    """The increments to add, one row per period and author; none for authors in `ignored`. `events`
    are (type, time, data as JSON)."""
    rows: defaultdict[tuple[str, int, datetime], dict[str, Any]] = defaultdict(
        lambda: dict.fromkeys(COUNTS, 0) | {name: histogram.empty() for name in HISTOGRAMS}
    )
    for event_type, occurred_at, text in events:
        if event_type not in READERS:
            continue
        data = msgspec.json.decode(text)
        for author, counts, latencies in READERS[event_type](data, occurred_at):
            if author in ignored:
                continue
            for key in _keys(occurred_at.astimezone(UTC), author):
                for name, amount in counts.items():
                    rows[key][name] += amount
                for name, seconds, weight in latencies:
                    histogram.add(rows[key][name], seconds, weight)
    return [
        {"period": period, "author_id": author, "starts_at": start} | row
        for (period, author, start), row in rows.items()
    ]


def _keys(at: datetime, author: int) -> Iterator[tuple[str, int, datetime]]:
    """The (period, author id, start) of each rollup that an event at this time is counted in."""
    for period, start_of in STARTS.items():
        start = start_of(at)
        yield period.value, Rollup.EVERYBODY, start
        if period != Rollup.Period.MINUTE:
            yield period.value, author, start


# An author's id, the increments by name, and latencies as (histogram, seconds, how many).
Change = tuple[int, dict[str, int], Sequence[tuple[str, float, int]]]


def _delivered(data: dict[str, Any], at: datetime) -> Iterator[Change]:
    for slice_ in data["slices"]:
        seconds = max((at - datetime.fromisoformat(slice_["posted_at"])).total_seconds(), 0.0)
        rows = slice_["rows"]
        counts = {"reach": rows, "slices": 1}
        yield slice_["author_id"], counts, [("timeline_latency", seconds, rows)]


def _settled(data: dict[str, Any], at: datetime) -> Iterator[Change]:
    refused, expired = data.get("refused", 0), data.get("expired", 0)
    counts = {
        "pushes_sent": data["sent"],
        "pushes_refused": refused,
        "pushes_expired": expired,
        "pushes_failed": data["failed"] - refused - expired,
        "pushed": data.get("people", 0),
    }
    latencies = [("push_latency", ms / 1000, 1) for ms in data.get("latency_ms", ())]
    yield data["author_id"], counts, latencies


# Functions by event type, which read an event's data and its time. They give a Change for each
# author whose figures change.
READERS: Mapping[str, Callable[[dict[str, Any], datetime], Iterable[Change]]] = {
    "post.created": lambda data, at: [(data["author_id"], {"posts": 1}, ())],
    "user.followed": lambda data, at: [(data["followee_id"], {"gained": 1}, ())],
    "user.unfollowed": lambda data, at: [(data["followee_id"], {"lost": 1}, ())],
    "timeline.delivered": _delivered,
    "push.settled": _settled,
}
