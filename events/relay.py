"""Publishing the outbox: claim rows, publish them with confirms, mark them as published.

Guarantee: a row is marked only after the broker's confirm, so after a crash it is published again
and never lost. Several relays share the rows by SKIP LOCKED.
Next on the way of a post: a consumer (events/processing.py) calls timelines/handlers.py.
"""

import select

import structlog
from django.db import connection, transaction
from django.utils import timezone

from events import unroutable
from events.direct import own_session
from events.failpoints import failpoint
from events.metrics import OUTBOX_SECONDS, PUBLISHED
from events.models import OutboxEvent
from events.outbox import CHANNEL
from events.publisher import Outgoing, Publisher

BATCH = 200
# A notification can be lost together with its connection; a row then waits at most this long.
POLL_SECONDS = 5.0

log = structlog.get_logger(__name__)

before_publish = failpoint(__name__, "before_publish")
after_confirm = failpoint(__name__, "after_confirm")

# Uses the partial index events_outbox_pending.
CLAIM = """
    SELECT * FROM events_outboxevent
    WHERE published_at IS NULL AND due_at <= statement_timestamp()
    ORDER BY due_at LIMIT %s
    FOR UPDATE SKIP LOCKED
"""
MARK = """
    UPDATE events_outboxevent SET published_at = statement_timestamp() WHERE id = ANY(%s)
"""
# Uses the partial index events_outbox_pending.
DUE = """
    SELECT EXISTS (
        SELECT FROM events_outboxevent
        WHERE published_at IS NULL AND due_at <= statement_timestamp()
    )
"""
NEXT_DUE = """
    SELECT extract(epoch FROM min(due_at) - statement_timestamp())
    FROM events_outboxevent WHERE published_at IS NULL
"""


def relay_batch(publisher: Publisher, limit: int = BATCH) -> int:
    """Publish up to `limit` pending rows and return the number of rows claimed.

    Raises a passing error if the broker or the database is down. Rows that were confirmed before a
    failure of the broker are marked.
    """
    if not publisher.connected and not _connect(publisher):
        return 0
    failure: BaseException | None = None
    with transaction.atomic():
        # 1. Claim. The locks end with the transaction, even if this process dies.
        rows = list(OutboxEvent.objects.raw(CLAIM, [limit]))
        confirmed: list[int] = []
        refused: list[tuple[OutboxEvent, Exception]] = []
        # 2. Publish. After a crash between here and the commit the rows are published again;
        #    the consumers' inboxes make that harmless.
        try:
            messages = list(map(message, rows))
            for row, reason in zip(rows, publisher.publish_all(messages), strict=True):
                if reason:
                    refused.append((row, reason))
                    continue
                after_confirm()
                confirmed.append(row.pk)
                PUBLISHED.labels(row.routing_key).inc()
                OUTBOX_SECONDS.observe(max((timezone.now() - row.due_at).total_seconds(), 0.0))
        except Exception as error:
            failure = error
        # 3. Mark.
        for row, reason in refused:
            unroutable.postpone(row, reason)
        if confirmed:
            with connection.cursor() as cursor:
                cursor.execute(MARK, [confirmed])
    if failure:
        raise failure
    return len(rows)


def _connect(publisher: Publisher) -> bool:
    """Connect if any row is due, and return whether one is. Connecting happens before rows are
    locked, so that a claim waits only for the confirms of one batch, at most 10 s. PostgreSQL ends
    transactions that are idle for 20 s (events/limits.py), so it ends only claims of a process that
    hangs."""
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        due = bool(cursor.fetchone()[0])
    if due:
        publisher.connect()
    return due


def seconds_until_due() -> float:
    """Return the seconds until the next pending row is due (the rows of a replay have due times in
    the future): at most POLL_SECONDS, and at least 0.05, so that rows share transactions."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_DUE)
        seconds = cursor.fetchone()[0]
    return POLL_SECONDS if seconds is None else min(max(float(seconds), 0.05), POLL_SECONDS)


def message(row: OutboxEvent) -> Outgoing:
    before_publish()
    return Outgoing(bytes(row.body), row.exchange, row.routing_key, row.headers, row.properties)


class Listener:
    """Waits for the outbox's notifications, on its own connection past any pooler."""

    def __init__(self) -> None:
        self._wrapper = own_session()
        self._connected = False

    def wait(self, seconds: float, wakeup: int) -> None:
        """Return on a notification, after `seconds`, or when descriptor `wakeup` is readable.
        Raises django.db.OperationalError or InterfaceError when the session has ended."""
        if not self._connected:
            self._wrapper.connect()
            self._wrapper.cursor().execute(f"LISTEN {CHANNEL}")
            self._connected = True
            return  # Rows recorded before LISTEN cause no notification; the caller polls for them.
        raw = self._wrapper.connection
        with self._wrapper.wrap_database_errors:
            # For a closed session fileno() raises a database error, but select() a ValueError.
            select.select([raw.fileno(), wakeup], [], [], seconds)
            raw.poll()
        raw.notifies.clear()

    def close(self) -> None:
        self._connected = False
        self._wrapper.close()
