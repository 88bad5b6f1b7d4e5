"""Messages of the outbox that cannot be routed to any queue.

Guarantee: such a message does not delay others, is shown to operators with the reason, and is never
lost. A replay opens its dead letter again after ten minutes, or at once if AMQP cannot encode the
message. Any other message is retried until a queue exists for it.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import connection
from django.db.models.functions import Now

from events import plain
from events.errors import passing
from events.letters import REPLAY_HEADER
from events.models import DeadLetter, OutboxEvent

BACKOFF = timedelta(seconds=5)
# Attempts, one every BACKOFF: ten minutes. Time during which no relay runs does not count.
LIMIT = 120

# Uses the index events_outbox_unroutable, which contains only these rows.
UNROUTABLE = """
    SELECT exchange, routing_key, last_error, count(*),
           extract(epoch FROM statement_timestamp() - min(created_at))::float
    FROM (
        SELECT * FROM events_outboxevent
        WHERE published_at IS NULL AND attempts > 0 ORDER BY id LIMIT 1000
    ) AS message
    GROUP BY exchange, routing_key, last_error ORDER BY count(*) DESC, exchange, routing_key
"""
REOPEN = """
    UPDATE events_deadletter
    SET state = 'open', attempts = attempts + 1, last_failed_at = statement_timestamp(),
        exception_type = %s, exception_message = %s, traceback = ''
    WHERE id = %s AND state = 'replayed' AND healed_at IS NULL
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Unroutable:
    """`count` messages (counted up to 1,000) that cannot be routed, the oldest for `seconds`. If
    `exchange` is empty, they are for the queue `routing_key` alone."""

    exchange: str
    routing_key: str
    reason: str
    count: int
    seconds: float

    def __str__(self) -> str:
        where = f"exchange {self.exchange}" if self.exchange else f"queue {self.routing_key}"
        return (
            f"{self.count:,} messages for {where} cannot be routed,"
            f" the oldest for {self.seconds:.0f} s: {self.reason}"
        )


def unroutable() -> list[Unroutable]:
    with connection.cursor() as cursor:
        cursor.execute(UNROUTABLE)
        return [Unroutable(*row) for row in cursor]


def postpone(row: OutboxEvent, error: Exception) -> None:
    """Postpone a message that could not be routed, or give up a replay. Must be called in the
    transaction that claimed the row."""
    log.error("event not routable", event_id=row.event_id, exchange=row.exchange, error=str(error))
    hopeless = not passing(error) or row.attempts + 1 >= LIMIT
    if hopeless and _give_up(row, error):
        return
    OutboxEvent.objects.filter(pk=row.pk).update(
        attempts=row.attempts + 1, last_error=plain.text(error, 2_000), due_at=Now() + BACKOFF
    )


def _give_up(row: OutboxEvent, error: Exception) -> bool:
    """If the row is a replay, open its letter again, delete the row and return True."""
    letter = row.headers.get(REPLAY_HEADER)
    if letter is None or not DeadLetter.objects.filter(pk=letter).exists():
        return False
    with connection.cursor() as cursor:
        kind = "UnroutableError" if passing(error) else type(error).__name__
        cursor.execute(REOPEN, [kind, plain.text(error, 2_000), letter])
    row.delete()
    return True
