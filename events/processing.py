"""What a subscriber does with a batch of messages: decode, register, handle, park what is broken.

Guarantee: each message ends as its effect or as a dead letter with the reason, and a broken one
takes no other with it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import structlog
from django.db import connection, transaction
from kombu import Message

from events import inbox
from events.conf import setting
from events.envelope import Event
from events.errors import PASSING, NotYetError, PermanentError
from events.failpoints import failpoint
from events.parking import REPLAY_HEADER, Parking
from events.registry import Subscriber, decode_event

# With full jitter and a cap of 10 s these are about 60 s of waiting for what is not visible yet.
NOT_YET_ATTEMPTS = 15

log = structlog.get_logger(__name__)

before_commit = failpoint("consumer.before_commit")
after_commit = failpoint("consumer.after_commit")


class Processor:
    """Works off batches for one subscriber; an instance of consumer.Handover."""

    def __init__(self, subscriber: Subscriber, parking: Parking, clock: Callable[[], datetime]):
        self._subscriber = subscriber
        self._parking = parking
        self._clock = clock

    def __call__(self, messages: Sequence[Message], attempt: int) -> None:
        """Raises an error of PASSING when the batch, or what is left of it, must be tried again:
        what was done before is in the inbox then, and what was parked is parked again unharmed."""
        decoded: list[tuple[Event, Message]] = []
        for message in messages:
            try:
                event = decode_event(message.body, message.content_type)
                self._refuse_forgotten(event, message)
                decoded.append((event, message))
            except Exception as error:
                # Whatever it is that a body raises, it will raise it again.
                self._parking.park(message, error)
        try:
            self._apply_together(decoded, attempt)
        except PASSING:
            # A broken connection is not mended by using it again.
            connection.close()
            raise

    def _refuse_forgotten(self, event: Event, message: Message) -> None:
        """An event from before what the inbox keeps may have had its effect long ago."""
        age = self._clock() - event.timestamp
        if age > setting("EVENTS_KEEP_INBOX") and REPLAY_HEADER not in (message.headers or {}):
            raise PermanentError(f"{age.days} days old, and the inbox knows no such event any more")

    def _apply_together(self, decoded: list[tuple[Event, Message]], attempt: int) -> None:
        """All in one transaction; if that fails for a reason of one of them, each in its own."""
        try:
            reused = self._apply([event for event, _ in decoded])
        except PASSING:
            raise
        except Exception as error:
            if len(decoded) > 1:
                for pair in decoded:
                    self._apply_together([pair], attempt)
            elif isinstance(error, NotYetError) and attempt < NOT_YET_ATTEMPTS:
                raise TimeoutError(str(error)) from error
            else:
                self._parking.park(decoded[0][1], error)
            return
        for event, message in decoded:
            if event in reused:
                log.error("event id reused", event_id=event.event_id, subscriber=self._name)
                self._parking.park(message, inbox.EventIdReusedError(event.event_id))

    def _apply(self, events: list[Event]) -> list[Event]:
        """The effects of the fresh events and their inbox rows; returns the reused ones."""
        wanted = [event for event in events if event.event_type in self._subscriber.handlers]
        if not wanted:
            return []
        with transaction.atomic():
            fresh, reused = inbox.register(self._name, wanted, now=self._clock())
            fresh.sort(key=attrgetter("event_type"))
            for event_type, group in groupby(fresh, key=attrgetter("event_type")):
                self._subscriber.handlers[event_type](list(group))
            before_commit()
        after_commit()
        return reused

    @property
    def _name(self) -> str:
        return self._subscriber.name
