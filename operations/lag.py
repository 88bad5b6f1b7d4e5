"""How far each subscriber is behind, and how long it will take to catch up.

Guarantee: nothing here scans a table that grows with the posts, and without the broker all but the
depths of queues is still told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from celery import current_app
from django.conf import settings
from django.db import connection

import notifications.models
import timelines.models
from events import depths
from events.errors import PassingError, wrap_passing_errors
from events.outbox import Pending, pending, total
from events.registry import Subscriber, subscribers
from operations.unsettled import unsettled

# Subscribers whose events are worked off slice by slice.
LEDGERS: Mapping[str, ModuleType] = {
    "timelines": timelines.models,
    "notifications": notifications.models,
}
# Whose slices are done before their rows have ended: a push may be tried again.
PUSHES = "notifications"
RATE_SECONDS = 60

# The oldest event that was published and is neither in the subscriber's inbox nor a dead letter:
# from events_outbox_published, beginning where the reconciler knows that nothing is missing. The
# subselects keep the planner from hashing the whole inbox.
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

# Events that each subscriber has finished with lately, by events_inbox_received.
HANDLED = """
    SELECT subscriber, count(*) FROM events_inboxentry
    WHERE received_at > statement_timestamp() - make_interval(secs => %s) GROUP BY subscriber
"""

# Of the newest unfinished fan-outs, which are few because finished ones are closed after a minute:
# slices that are missing (of a deleted post none is written), since when, and rows that were
# written lately; by {app}_unfinished and the ledger's key. Then how many rows a slice and a post
# have, from the newest slices written.
LEDGER = """
    WITH unfinished AS MATERIALIZED (
        SELECT fan_out.planned_at, done.lately,
               CASE WHEN (SELECT deleted_at FROM social_post WHERE id = post_id) IS NULL
                    THEN fan_out.slices - done.slices ELSE 0 END AS missing
        FROM (
            SELECT post_id, slices, planned_at FROM {app}_fanout WHERE finished_at IS NULL
            ORDER BY planned_at DESC LIMIT 20000
        ) AS fan_out
        CROSS JOIN LATERAL (
            SELECT count(*) AS slices, coalesce(sum(rows) FILTER (
                WHERE written_at > statement_timestamp() - make_interval(secs => %s)
            ), 0) AS lately
            FROM {app}_slicerecord WHERE post_id = fan_out.post_id
        ) AS done
    ), newest AS MATERIALIZED (
        SELECT post_id, rows FROM {app}_slicerecord ORDER BY post_id DESC, after DESC LIMIT 1000
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
    complete. `rows` are those of its fan-outs, or events where it has none; those outstanding are
    an estimate for what is not planned yet. `depth` and `lanes` count messages that wait at the
    broker, None where it cannot be asked; `unsettled` are pushes that were begun more than the
    target ago and are tried again, and are among the rows outstanding; `seconds_to_drain` is None
    while nothing moves."""

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
    """What should be at the broker by now, as the overload gauge counts it too."""
    return pending()


def lags(coming: Mapping[str, Pending]) -> list[Lag]:
    """The lag of every subscriber; what waits in the outbox is still to come to it."""
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
    if subscriber.name in LEDGERS:
        sql = LEDGER.format(app=LEDGERS[subscriber.name].__package__)
        ((missing, since, lately, per_slice, per_post),) = _rows(sql, [RATE_SECONDS])
        oldest = max(oldest, float(since))
        outstanding = round(float(missing) * float(per_slice) + outstanding * per_post)
        handled = int(lately)
    late = unsettled(subscriber.target_seconds) if subscriber.name == PUSHES else None
    if late:
        outstanding += late.count
        oldest = max(oldest, late.seconds if late.counts else 0.0)
    rate = handled / RATE_SECONDS
    return Lag(
        subscriber=subscriber.name,
        queue=subscriber.queue,
        oldest_seconds=round(oldest, 3),
        depth=waiting and waiting[subscriber.queue],
        lanes=waiting and {lane: waiting[lane] for lane in lanes(subscriber.name)},
        rows_outstanding=outstanding,
        rows_per_second=round(rate, 3),
        seconds_to_drain=_seconds_to_drain(outstanding, rate),
        target_seconds=subscriber.target_seconds,
        within_target=oldest <= subscriber.target_seconds,
        unsettled=late.count if late else 0,
    )


def lanes(app: str) -> list[str]:
    """The Celery queues of an app, which their names begin with."""
    return [name for name in current_app.amqp.queues if name.startswith(f"{app}.")]


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
    # A wrong clock may have dated an event into the future.
    return max(float(found[0][0]), 0.0) if found else 0.0


def _rows(sql: str, parameters) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
