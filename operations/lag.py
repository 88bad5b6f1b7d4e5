"""The lag of each subscriber: how far it is behind, and how long it will take to catch up.

Guarantee: nothing here scans a table that grows with the posts. Without the broker, everything is
reported except the depths of queues.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection

from events import depths
from events.errors import PassingError, wrap_passing_errors
from events.outbox import Pending, pending, total
from events.registry import Subscriber, resolve, subscribers
from fanout.ledger import Ledger

RATE_SECONDS = 60

# The age of the oldest published event that is neither in the subscriber's inbox nor a dead letter.
# Uses the index events_outbox_published, from the time up to which the reconciler knows that
# nothing is missing. The subselects keep the planner from hashing the whole inbox.
OLDEST = """
    SELECT extract(epoch FROM statement_timestamp() - event.created_at)
    FROM events_outboxevent event
    WHERE event.published_at > coalesce(
              (SELECT complete_until FROM events_reconciliation WHERE subscriber = %(subscriber)s),
              statement_timestamp() - interval '1 day'
          )
          AND (event.exchange <> '' AND event.routing_key = ANY(%(types)s)
               OR event.exchange = '' AND event.routing_key = %(queue)s)
          AND (SELECT true FROM events_inboxentry
               WHERE subscriber = %(subscriber)s AND event_id = event.event_id) IS NULL
          AND (SELECT true FROM events_deadletter
               WHERE queue = %(queue)s AND message_id = event.event_id
                     AND body_hash = sha256(event.body)) IS NULL
    ORDER BY event.published_at LIMIT 1
"""

# The number of events that each subscriber has handled lately. Uses the index
# events_inbox_received.
HANDLED = """
    SELECT subscriber, count(*) FROM events_inboxentry
    WHERE received_at > statement_timestamp() - make_interval(secs => %s) GROUP BY subscriber
"""

# For the newest unfinished fan-outs (few, since finished ones are closed after a minute): the
# number of missing slices, not counting deleted posts; for how many seconds the oldest has been
# missing; and the rows written lately. Uses the index {app}_unfinished and the ledger's key. Then
# the average rows per slice and per post, from the newest slices.
LEDGER = """
    WITH unfinished AS MATERIALIZED (
        SELECT fan_out.planned_at, done.lately,
               CASE WHEN (SELECT deleted_at FROM social_post WHERE id = post_id) IS NULL
                    THEN fan_out.slices - done.slices ELSE 0 END AS missing
        FROM (
            SELECT post_id, slices, planned_at FROM {fan_outs} WHERE finished_at IS NULL
            ORDER BY planned_at DESC LIMIT 20000
        ) AS fan_out
        CROSS JOIN LATERAL (
            SELECT count(*) AS slices, coalesce(sum(rows) FILTER (
                WHERE written_at > statement_timestamp() - make_interval(secs => %s)
            ), 0) AS lately
            FROM {records} WHERE post_id = fan_out.post_id
        ) AS done
    ), newest AS MATERIALIZED (
        SELECT post_id, rows FROM {records} ORDER BY post_id DESC, after DESC LIMIT 1000
    )
    SELECT (SELECT coalesce(sum(missing), 0) FROM unfinished WHERE missing > 0),
           (SELECT coalesce(extract(epoch FROM statement_timestamp() - min(planned_at)), 0)
            FROM unfinished WHERE missing > 0),
           (SELECT coalesce(sum(lately), 0) FROM unfinished),
           (SELECT coalesce(avg(rows), 0) FROM newest),
           (SELECT coalesce(sum(rows)::float / nullif(count(DISTINCT post_id), 0), 0) FROM newest)
"""


@dataclass(frozen=True)
class Lag:
    """A subscriber's lag. `oldest_seconds` is the age of the oldest event whose effect is not
    complete. Rows are those of its fan-outs, or its events if it has no fan-out; for posts that are
    not planned yet, `rows_outstanding` is an estimate. `depth` and `lanes` count messages that wait
    at the broker, None if it is unreachable. `unsettled` counts pushes that were begun longer ago
    than the target and are being retried; `rows_outstanding` includes them. `seconds_to_drain` is
    None while nothing moves."""

    subscriber: str
    queue: str
    oldest_seconds: float
    depth: int | None
    lanes: dict[str, int] | None
    rows_outstanding: int
    rows_per_second: float
    seconds_to_drain: float | None
    target_seconds: float
    within_target: bool
    unsettled: int = 0


def outbox() -> dict[str, Pending]:
    """Return what should have been published by now, counted as the overload gauge does."""
    return pending()


def lags(coming: Mapping[str, Pending]) -> list[Lag]:
    """Return the lag of every subscriber. `coming` is what waits in the outbox, which counts for
    the subscribers that it will reach."""
    handled = dict(_rows(HANDLED, [RATE_SECONDS]))
    try:
        with wrap_passing_errors():
            waiting = depths.ready(
                settings.BROKER_URL,
                [*(each.queue for each in subscribers.values()), *current_app.amqp.queues],
            )
    except PassingError:
        waiting = None
    return [
        _lag(
            each,
            total(coming[key] for key in {*each.handlers, each.queue} & coming.keys()),
            waiting,
            handled.get(each.name, 0),
        )
        for each in subscribers.values()
    ]


def _lag(
    subscriber: Subscriber, coming: Pending, waiting: dict[str, int] | None, handled: int
) -> Lag:
    oldest = max(_oldest(subscriber), coming.oldest_seconds)
    outstanding = coming.count + (waiting[subscriber.queue] if waiting else 0)
    if subscriber.ledger:
        ledger: Ledger = resolve(subscriber.ledger)
        tables = {"fan_outs": ledger.fan_outs, "records": ledger.records}
        sql = LEDGER.format(**{name: each._meta.db_table for name, each in tables.items()})
        ((missing, since, lately, per_slice, per_post),) = _rows(sql, [RATE_SECONDS])
        oldest = max(oldest, float(since))
        outstanding = round(float(missing) * float(per_slice) + outstanding * per_post)
        handled = int(lately)
    # The slices of a post may be done while some of its pushes are still being retried.
    late = None
    if subscriber.unsettled:
        late = resolve(subscriber.unsettled)(subscriber.target_seconds)
    if late:
        outstanding += late.count
        oldest = max(oldest, late.seconds if late.counts else 0.0)
    rate = handled / RATE_SECONDS
    return Lag(
        subscriber=subscriber.name,
        queue=subscriber.queue,
        oldest_seconds=round(oldest, 3),
        depth=waiting[subscriber.queue] if waiting else None,
        lanes={lane.name: waiting[lane.name] for lane in subscriber.lanes} if waiting else None,
        rows_outstanding=outstanding,
        rows_per_second=round(rate, 3),
        seconds_to_drain=_seconds_to_drain(outstanding, rate),
        target_seconds=subscriber.target_seconds,
        within_target=oldest <= subscriber.target_seconds,
        unsettled=late.count if late else 0,
    )


def _seconds_to_drain(outstanding: int, rate: float) -> float | None:
    if not outstanding:
        return 0.0
    return round(outstanding / rate, 1) if rate else None


def _oldest(subscriber: Subscriber) -> float:
    found = _rows(
        OLDEST,
        {
            "subscriber": subscriber.name,
            "queue": subscriber.queue,
            "types": list(subscriber.handlers),
        },
    )
    # A wrong clock may have given an event a time in the future.
    return max(float(found[0][0]), 0.0) if found else 0.0


def _rows(sql: str, parameters: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor)
