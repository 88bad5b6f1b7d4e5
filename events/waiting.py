"""Events that are set aside: each is retried alone, while its queue moves on.

Guarantee: an event that is set aside ends either with its effect or as a dead letter, even if a
process dies meanwhile. It does not delay other events. Attempts count only while its subscriber can
work, so that no outage turns it into a dead letter, however long it lasts.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import amqp
import structlog
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from events import effects, inbox, letters, metrics, plain
from events.conf import setting
from events.envelope import Event
from events.errors import NotYetError, PermanentError, passing
from events.models import WaitingEvent
from events.probing import Probe
from events.registry import Subscriber, subscribers
from events.stopping import Stop
from events.wire import Message

# Seconds. The wait doubles after each failure, up to this.
LONGEST_WAIT = 60
# Sixteen attempts take ten minutes. For events whose row is not visible yet seven attempts, in one
# minute, are enough: a row becomes visible within seconds or never.
ATTEMPTS = 16
ATTEMPTS_NOT_YET = 7
# Longer than an attempt may take. If a process dies during an attempt, the event is retried then.
LEASE = timedelta(seconds=90)
OUTAGE_WAIT = timedelta(seconds=5)
IDLE_SECONDS = 1.0
# Events that one transaction gives up.
BATCH = 500

log = structlog.get_logger(__name__)

# A redelivered event is set aside once. Returns no row if another event has the same id.
SET_ASIDE = """
    INSERT INTO events_waitingevent (
        subscriber, event_id, headers, properties, body, body_hash,
        attempts, reason, set_aside_at, due_at
    )
    VALUES (%s, %s, %s, %s, %s, %s, 1, %s,
            statement_timestamp(), statement_timestamp() + make_interval(secs => %s))
    ON CONFLICT (subscriber, event_id) DO UPDATE SET reason = excluded.reason
        WHERE events_waitingevent.body_hash = excluded.body_hash
    RETURNING event_id
"""

# Counting for operators stops here: a larger number would tell them nothing more.
SHOWN = 10_000
# Uses the index events_waiting_due.
OLDEST = """
    SELECT subscriber, count(*),
           extract(epoch FROM statement_timestamp() - min(set_aside_at))::float,
           (array_agg(left(reason, 200) ORDER BY set_aside_at))[1]
    FROM (
        SELECT * FROM events_waitingevent ORDER BY subscriber, due_at LIMIT %s
    ) AS waiting
    GROUP BY subscriber ORDER BY subscriber
"""

# Uses the index events_waiting_due. Claims an event by moving its due time past the end of the
# attempt, so that no lock is needed after the statement.
CLAIM = """
    UPDATE events_waitingevent
    SET attempts = attempts + 1, due_at = statement_timestamp() + %s
    WHERE id = (
        SELECT id FROM events_waitingevent
        WHERE subscriber = %s AND due_at <= statement_timestamp()
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING *
"""


@dataclass(frozen=True)
class SetAside:
    """The waiting events of one subscriber: their number (counted up to SHOWN), and the age in
    seconds and the reason of the oldest."""

    subscriber: str
    count: int
    seconds: float
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.count:,} events of {self.subscriber} are set aside,"
            f" the oldest for {self.seconds:.0f} s: {self.reason}"
        )


def all_set_aside() -> list[SetAside]:
    with connection.cursor() as cursor:
        cursor.execute(OLDEST, [SHOWN])
        return [SetAside(*row) for row in cursor]


def set_aside(subscriber: Subscriber, message: Message, event: Event, error: Exception) -> None:
    """Store the event, so that its message may be acknowledged. Raises inbox.EventIdReusedError if
    another event with the same id is already waiting."""
    with connection.cursor() as cursor:
        cursor.execute(
            SET_ASIDE,
            [
                subscriber.name,
                event.event_id,
                json.dumps(plain.jsonable(message.headers)),
                json.dumps(letters.kept_properties(message)),
                message.body,
                event.body_hash,
                plain.text(error, letters.TEXT_LIMIT),
                wait_after(1),
            ],
        )
        if cursor.fetchone() is None:
            raise inbox.EventIdReusedError(event.event_id)
    metrics.SET_ASIDE.labels(subscriber.name).inc()
    log.warning(
        "event set aside", subscriber=subscriber.name, event_id=event.event_id, error=str(error)
    )


def wait_after(attempts: int) -> int:
    """Return the seconds to wait after so many attempts."""
    wait: int = min(2 ** (attempts - 1), LONGEST_WAIT)
    return wait


class Retrier:
    """Retries the waiting events of one subscriber that are due."""

    def __init__(self, subscriber: Subscriber, probe: Probe, clock: Callable[[], datetime]):
        self._subscriber = subscriber
        self._probe = probe
        self._clock = clock

    def __call__(self) -> bool:
        """Retry the event that has been due for the longest time; return False if none is due."""
        claimed = list(WaitingEvent.objects.raw(CLAIM, [LEASE, self._subscriber.name]))
        for row in claimed:
            self._try(row, _message(row))
        return bool(claimed)

    def _try(self, row: WaitingEvent, message: Message) -> None:
        try:
            self._handle(row, effects.read(message, now=self._clock()))
        except Exception as error:
            if not passing(error):
                self._give_up(row, message, error)
                return
            connection.close_if_unusable_or_obsolete()
            if not self._probe():
                _put_off(row, OUTAGE_WAIT, attempts=row.attempts - 1)
                return
            most = ATTEMPTS_NOT_YET if isinstance(error, NotYetError) else ATTEMPTS
            if row.attempts >= most:
                self._give_up(row, message, error)
                return
            wait = timedelta(seconds=wait_after(row.attempts))
            _put_off(row, wait, reason=plain.text(error, letters.TEXT_LIMIT))

    def _handle(self, row: WaitingEvent, event: Event) -> None:
        """Handle the event and delete its waiting row in one transaction."""

        def end(reused: list[Event]) -> None:
            if reused:
                raise inbox.EventIdReusedError(event.event_id)
            _own(row).delete()

        effects.apply(self._subscriber, [event], clock=self._clock, inside=end)

    @transaction.atomic
    def _give_up(self, row: WaitingEvent, message: Message, error: Exception) -> None:
        letters.file_message(
            self._subscriber.queue, message, error, event_id=row.event_id, now=self._clock()
        )
        _own(row).delete()
        metrics.PARKED.labels(self._subscriber.queue).inc()


@transaction.atomic
def give_up_old(*, now: datetime) -> int:
    """File as dead letters the events that have waited longer than published events are kept, for
    example because their subscriber is paused. Return their number, at most BATCH."""
    old = WaitingEvent.objects.filter(
        # Excludes events whose attempt is running: their due time lies in the future.
        due_at__lte=Now(),
        set_aside_at__lt=Now() - setting("EVENTS_KEEP_PUBLISHED"),
    ).select_for_update(skip_locked=True)[:BATCH]
    for row in old:
        known = subscribers.get(row.subscriber)
        queue = known.queue if known else row.subscriber
        error = PermanentError(f"set aside for too long: {row.reason}")
        letters.file_message(queue, _message(row), error, event_id=row.event_id, now=now)
        _own(row).delete()
    return len(old)


def _own(row: WaitingEvent) -> QuerySet[WaitingEvent]:
    return WaitingEvent.objects.filter(pk=row.pk)


def _put_off(row: WaitingEvent, wait: timedelta, **changes: Any) -> None:
    _own(row).update(due_at=Now() + wait, **changes)


def work(retrier: Retrier, hold: Callable[[], bool], stop: Stop) -> None:
    """Retry due events until a stop is requested, but none while `hold` returns True."""
    while not stop.requested:
        try:
            if hold() or not retrier():
                stop.wait(IDLE_SECONDS)
        except Exception as error:
            log.warning("retry of events set aside failed", error=str(error))
            connection.close()
            stop.wait(OUTAGE_WAIT.total_seconds())


def _message(row: WaitingEvent) -> Message:
    """Return the message as the broker delivered it."""
    delivered = amqp.Message(bytes(row.body), application_headers=row.headers, **row.properties)
    delivered.delivery_info = {}
    return Message(delivered)
