"""What a subscriber does with a batch of messages: decode, register, handle, park what is broken.

Guarantee: each message ends as its effect or as a dead letter with the reason, and a broken one
takes no other with it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import structlog
from django.db import connection, transaction
from kombu import Message

from events import inbox, metrics, trace
from events.conf import setting
from events.envelope import Event
from events.errors import PASSING, NotYetError, PermanentError
from events.failpoints import failpoint
from events.parking import REPLAY_HEADER, Parking
from events.registry import Subscriber, decode_event

# How long an event waits for what is not visible yet.
NOT_YET_SECONDS = 60.0

log = structlog.get_logger(__name__)

before_commit = failpoint("consumer.before_commit")
after_commit = failpoint("consumer.after_commit")


class Processor:
    """Works off batches for one subscriber; an instance of consumer.Handover."""

    def __init__(
        self,
        subscriber: Subscriber,
        parking: Parking,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ):
        self._subscriber = subscriber
        self._parking = parking
        self._clock = clock
        self._monotonic = monotonic
        # When each event that waits for something was first seen.
        self._waiting: dict[str, float] = {}

    def __call__(self, messages: Sequence[Message]) -> None:
        """Raises an error of PASSING when the batch, or what is left of it, must be tried again:
        what was done before is in the inbox then, and what was parked is acknowledged."""
        decoded: list[tuple[Event, Message]] = []
        for message in messages:
            if message.acknowledged:
                continue
            try:
                event = decode_event(message.body, message.content_type)
                self._refuse_forgotten(event, message)
                decoded.append((event, message))
            except Exception as error:
                # Whatever it is that a body raises, it will raise it again.
                self._park(message, error)
        try:
            self._apply_or_park(decoded)
        except PASSING:
            # A broken connection is not mended by using it again.
            connection.close()
            raise
        if self._waiting:
            raise TimeoutError(f"not visible yet: what {', '.join(self._waiting)} are about")

    def _refuse_forgotten(self, event: Event, message: Message) -> None:
        """An event from before what the inbox keeps may have had its effect long ago."""
        age = self._clock() - event.timestamp
        if age > setting("EVENTS_KEEP_INBOX") and REPLAY_HEADER not in (message.headers or {}):
            raise PermanentError(f"{age.days} days old, and the inbox knows no such event any more")

    def _apply_or_park(self, decoded: list[tuple[Event, Message]]) -> None:
        """All in one transaction; if that fails for a reason of one of them, each in its own."""
        try:
            with trace.handling(decoded):
                reused = self._apply([event for event, _ in decoded])
        except PASSING:
            raise
        except Exception as error:
            if len(decoded) > 1:
                for pair in decoded:
                    self._apply_or_park([pair])
            elif not (isinstance(error, NotYetError) and self._may_wait(decoded[0][0])):
                self._park(decoded[0][1], error)
            return
        for event, message in decoded:
            self._waiting.pop(event.event_id, None)
            if event in reused:
                log.error("event id reused", event_id=event.event_id, subscriber=self._name)
                self._park(message, inbox.EventIdReusedError(event.event_id))

    def _may_wait(self, event: Event) -> bool:
        """Whether the event is to be tried again, having waited for less than NOT_YET_SECONDS."""
        first_seen = self._waiting.setdefault(event.event_id, self._monotonic())
        if self._monotonic() - first_seen < NOT_YET_SECONDS:
            return True
        del self._waiting[event.event_id]
        return False

    def _apply(self, events: list[Event]) -> list[Event]:
        """The effects of the fresh events and their inbox rows; returns the reused ones."""
        wanted = [event for event in events if event.event_type in self._subscriber.handlers]
        if not wanted:
            return []
        with transaction.atomic():
            fresh, reused = inbox.register(self._name, wanted, now=self._clock())
            if known := len(wanted) - len(fresh) - len(reused):
                log.info("known events skipped", subscriber=self._name, count=known)
                metrics.SKIPPED.labels("known event").inc(known)
            fresh.sort(key=attrgetter("event_type"))
            for event_type, group in groupby(fresh, key=attrgetter("event_type")):
                self._subscriber.handlers[event_type](list(group))
            before_commit()
        after_commit()
        self._count(fresh)
        return reused

    def _count(self, fresh: list[Event]) -> None:
        now = self._clock()
        for event in fresh:
            metrics.HANDLED.labels(self._name, event.event_type).inc()
            age = (now - event.timestamp).total_seconds()
            metrics.AGE_SECONDS.labels(self._name).observe(max(age, 0.0))

    def _park(self, message: Message, error: Exception) -> None:
        """To the dead letters, and acknowledged at once: the rest of the batch may have to wait."""
        self._parking.park(message, error)
        message.ack()
        metrics.PARKED.labels(self._subscriber.queue).inc()

    @property
    def _name(self) -> str:
        return self._subscriber.name
