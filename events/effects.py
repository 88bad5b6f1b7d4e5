"""Applying events at a subscriber, in one transaction with their inbox rows.

Guarantee: an event has its effect once, however often and by whichever route it is delivered.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import structlog
from django.db import connection, transaction

from events import inbox, metrics
from events.compression import expand
from events.conf import setting
from events.envelope import Event
from events.errors import PermanentError
from events.failpoints import failpoint
from events.letters import REPLAY_HEADER
from events.registry import Subscriber, decode_event
from events.wire import Message

log = structlog.get_logger(__name__)

before_commit = failpoint(__name__, "before_commit")
after_commit = failpoint(__name__, "after_commit")

SET_STATEMENT_TIMEOUT = "SELECT set_config('statement_timeout', %s, true)"


def read(message: Message, *, now: datetime) -> Event:
    """Return the event in a message. Raises PermanentError if there is none, or if the event is
    older than the inbox's rows: it may already have had its effect."""
    body = expand(message.body, message.headers.get("compression"))
    event = decode_event(body, message.content_type)
    age = now - event.timestamp
    if age > setting("EVENTS_KEEP_INBOX") and REPLAY_HEADER not in message.headers:
        raise PermanentError(f"{age.days} days old: the inbox no longer has rows of that age")
    return event


def apply(
    subscriber: Subscriber,
    events: Sequence[Event],
    *,
    clock: Callable[[], datetime],
    seconds: float | None = None,
    inside: Callable[[list[Event]], object] = lambda reused: None,
) -> list[Event]:
    """Pass the new events to their handlers, by type. Return the events whose id another event has
    already used. `seconds` limits each statement, if given. `inside` is called at the end of the
    transaction, with the list that is returned."""
    wanted = [event for event in events if event.event_type in subscriber.handlers]
    with transaction.atomic():
        fresh: list[Event] = []
        reused: list[Event] = []
        if wanted:
            if seconds is not None:
                with connection.cursor() as cursor:
                    cursor.execute(SET_STATEMENT_TIMEOUT, [f"{seconds * 1000:.0f}"])
            fresh, reused = inbox.register(subscriber.name, wanted, now=clock())
            if known := len(wanted) - len(fresh) - len(reused):
                log.info("known events skipped", subscriber=subscriber.name, count=known)
                metrics.SKIPPED.labels("known event").inc(known)
            fresh.sort(key=attrgetter("event_type"))
            for event_type, group in groupby(fresh, key=attrgetter("event_type")):
                subscriber.handler(event_type)(list(group))
        inside(reused)
        before_commit()
    after_commit()
    _count(subscriber, fresh, clock())
    return reused


def _count(subscriber: Subscriber, fresh: list[Event], now: datetime) -> None:
    for event in fresh:
        metrics.HANDLED.labels(subscriber.name, event.event_type).inc()
        age = (now - event.timestamp).total_seconds()
        metrics.AGE_SECONDS.labels(subscriber.name).observe(max(age, 0.0))
