"""What a subscriber does with a batch of messages: read, handle, set aside what must wait, file
what is broken.

Guarantee: each message ends as its effect or as a dead letter with the reason, and one that cannot
go on holds up no other. When nothing can go on, the batch is held and nothing counts against it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from django.db import connection
from kombu import Message

from events import effects, inbox, letters, metrics, trace
from events.envelope import Event
from events.errors import PassingError, passing
from events.probing import Probe
from events.registry import Subscriber
from events.waiting import set_aside

# A statement of a batch may take this share of the subscriber's target, and at least so many
# seconds: one event that always takes long must not make its neighbours late. Set aside, it gets
# the database's own limit.
TARGET_SHARE, LEAST_SECONDS = 0.2, 1.0
# After so many seconds a batch that is taken apart goes on in the next round: the consumer must
# notice that it shall stop, or that its broker has closed the connection.
ROUND_SECONDS = 15.0

log = structlog.get_logger(__name__)

Pair = tuple[Event, Message]


class Processor:
    """Works off batches for one subscriber; an instance of consumer.Handover."""

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
        """Raises an error that passes when what is not acknowledged by then must be tried again:
        what had its effect is in the inbox, what is set aside or filed is acknowledged."""
        deadline = self._monotonic() + ROUND_SECONDS
        try:
            self._handle_all(list(self._read(messages)), deadline)
        except Exception:
            # A broken connection is not mended by using it again.
            connection.close()
            raise

    def _read(self, messages: Sequence[Message]):
        """The (event, message) pairs; what bears no event is filed."""
        for message in messages:
            if message.acknowledged:
                continue
            try:
                event = effects.read(message, now=self._clock())
            except Exception as error:
                # Whatever it is that a body raises, it will raise it again.
                self._file(message, error)
            else:
                yield event, message

    def _handle_all(self, pairs: list[Pair], deadline: float) -> None:
        """All in one transaction; if that fails, each in its own."""
        try:
            self._handle(pairs)
            return
        except Exception as error:
            failure = error
        if passing(failure) and not self._can_work():
            raise failure
        for place, pair in enumerate(pairs):
            if place and self._monotonic() > deadline:
                raise PassingError(f"{len(pairs) - place} events go on in the next round")
            try:
                # Alone in its batch, it has just been tried.
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
        """What becomes of an event that failed alone, while its subscriber can work."""
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
        """To the dead letters, and acknowledged at once: the rest of the batch may have to wait."""
        letters.file_message(
            self._subscriber.queue, message, error, event_id=event_id, now=self._clock()
        )
        message.ack()
        metrics.PARKED.labels(self._subscriber.queue).inc()
