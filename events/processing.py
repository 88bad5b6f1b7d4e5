"""Processing a batch of messages for a subscriber: read the events, handle them, set aside those
that must wait, file those that cannot be used.

Guarantee: each message ends with its effect or as a dead letter with the reason, and an event that
must wait does not delay others. If no event can be handled, the batch is held and no attempt
counts.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import structlog
from django.db import connection

from events import effects, inbox, letters, metrics, trace
from events.envelope import Event
from events.errors import PassingError, passing
from events.probing import Probe
from events.registry import Subscriber
from events.waiting import set_aside
from events.wire import Message

# A statement of a batch may take this share of the subscriber's target, but at least LEAST_SECONDS:
# an event that always takes long must not delay others. Once it is set aside, only the database's
# own limit applies to it.
TARGET_SHARE, LEAST_SECONDS = 0.2, 1.0
# When events are handled one at a time, the handover stops after so many seconds and continues in
# the next round, so that the consumer notices a stop request or a closed connection.
ROUND_SECONDS = 15.0

log = structlog.get_logger(__name__)

Pair = tuple[Event, Message]


class Processor:
    """Processes batches for one subscriber; an instance of consumer.Handover."""

    def __init__(
        self,
        subscriber: Subscriber,
        probe: Probe,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ):
        self._subscriber = subscriber
        self._probe = probe
        self._clock = clock
        self._monotonic = monotonic
        self._seconds = max(LEAST_SECONDS, subscriber.target_seconds * TARGET_SHARE)

    def __call__(self, messages: Sequence[Message]) -> None:
        """Raises a passing error if the messages that are not yet acknowledged must be retried.
        Those that were set aside or filed are acknowledged; events that had their effect are in the
        inbox."""
        deadline = self._monotonic() + ROUND_SECONDS
        try:
            self._handle_all(list(self._read(messages)), deadline)
        except Exception:
            # Django keeps using a broken connection until it is closed.
            connection.close()
            raise

    def _read(self, messages: Sequence[Message]) -> Iterator[Pair]:
        """Yield (event, message) pairs; file messages that hold no valid event."""
        for message in messages:
            if message.acknowledged:
                continue
            try:
                event = effects.read(message, now=self._clock())
            except Exception as error:
                # Whatever the error, the same body will raise it again.
                self._file(message, error)
            else:
                yield event, message

    def _handle_all(self, pairs: list[Pair], deadline: float) -> None:
        """Handle all events in one transaction or, if that fails, each in its own."""
        try:
            self._handle(pairs)
            return
        except Exception as error:
            failure = error
        if passing(failure) and not self._can_work():
            raise failure
        for place, pair in enumerate(pairs):
            if place and self._monotonic() > deadline:
                raise PassingError(f"{len(pairs) - place} events are left for the next round")
            try:
                # A batch of one event has just failed; do not try it twice.
                if len(pairs) == 1:
                    raise failure
                self._handle([pair])
            except Exception as error:
                self._settle(*pair, error)

    def _handle(self, pairs: list[Pair]) -> None:
        with trace.handling(pairs):
            events = [event for event, _ in pairs]
            reused = effects.apply(
                self._subscriber, events, clock=self._clock, seconds=self._seconds
            )
        for event, message in pairs:
            if event in reused:
                self._file_reused(event, message)

    def _settle(self, event: Event, message: Message, error: Exception) -> None:
        """File or set aside an event that failed by itself; raise `error` if the subscriber cannot
        work at all."""
        if not passing(error):
            self._file(message, error, event.event_id)
            return
        if not self._can_work():
            raise error
        try:
            set_aside(self._subscriber, message, event, error)
        except inbox.EventIdReusedError:
            self._file_reused(event, message)
            return
        message.ack()

    def _can_work(self) -> bool:
        connection.close_if_unusable_or_obsolete()
        return self._probe()

    def _file_reused(self, event: Event, message: Message) -> None:
        log.error("event id reused", event_id=event.event_id, subscriber=self._subscriber.name)
        self._file(message, inbox.EventIdReusedError(event.event_id), event.event_id)

    def _file(self, message: Message, error: Exception, event_id: str = "") -> None:
        """File a dead letter and acknowledge the message at once, since the rest of the batch may
        have to wait."""
        letters.file_message(
            self._subscriber.queue, message, error, event_id=event_id, now=self._clock()
        )
        message.ack()
        metrics.PARKED.labels(self._subscriber.queue).inc()
