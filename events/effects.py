"""The effect of events at a subscriber, in one transaction with their inbox rows.

Guarantee: an event has its effect once, however often it is delivered, by whichever way.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import structlog
from django.db import connection, transaction
from kombu import Message

from events import inbox, metrics
from events.compression import expand
from events.conf import setting
from events.envelope import Event
from events.errors import PermanentError
from events.failpoints import failpoint
from events.letters import REPLAY_HEADER
from events.registry import Subscriber, decode_event

log = structlog.get_logger(__name__)

before_commit = failpoint(__name__, "before_commit")
after_commit = failpoint(__name__, "after_commit")

LIMIT = "SELECT set_config('statement_timeout', %s, true)"


def read(message: Message, *, now: datetime) -> Event:
    """The event that a message bears. Raises PermanentError where there is none, or where it is
    older than what the inbox keeps: it may have had its effect long ago."""
    body = expand(message.body, message.headers.get("compression"))
    event = decode_event(body, message.content_type)
    age = now - event.timestamp
    if age > setting("EVENTS_KEEP_INBOX") and REPLAY_HEADER not in message.headers:
        raise PermanentError(f"{age.days} days old, and the inbox knows no such event any more")
    return event


def apply(
    subscriber: Subscriber,
    events: Sequence[Event],
    *,
    clock: Callable[[], datetime],
    seconds: float | None = None,
    inside: Callable[[list[Event]], object] = lambda reused: None,
) -> list[Event]:
    """Handle those of the events that are new, by their types; returns the ones that bear the id of
    another event. No statement may take more than `seconds`, where they are given; `inside` is
    called with what is returned, at the end of the transaction."""
    wanted = [event for event in events if event.event_type in subscriber.handlers]
    with transaction.atomic():
        fresh, reused = [], []
        if wanted:
            if seconds is not None:
                with connection.cursor() as cursor:
                    cursor.execute(LIMIT, [f"{seconds * 1000:.0f}"])
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
