"""Filing the messages that a worker refuses, in a thread beside the worker's main loop.

Guarantee: a refused message is acknowledged once its dead letter is committed. It is never
rejected, because rejecting records no reason, and some headers crash the broker's process that
moves dead letters. The main loop never waits for the database.
"""

import queue
import threading
import time
from collections.abc import Callable

import structlog
from django.db import connection
from django.utils import timezone

from events import letters, metrics
from events.backoff import full_jitter
from events.wire import Message

RETRY_CAP_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Refuser:
    """Calls `acknowledge`, from its thread, with each message that is filed."""

    def __init__(self, acknowledge: Callable[[Message], None]) -> None:
        self._acknowledge = acknowledge
        self._refused: queue.SimpleQueue[tuple[str, Message, Exception]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def refuse(self, lane: str, message: Message, error: Exception) -> None:
        """Queue the message for filing, and return at once. Queued messages count for the lane's
        prefetch limit, which bounds them while the database is down."""
        self._refused.put((lane, message, error))
        # Started only now, because the worker's children are forked earlier and must not inherit a
        # thread.
        if self._thread is None:
            self._thread = threading.Thread(target=self._file_all, name="refuser", daemon=True)
            self._thread.start()

    def _file_all(self) -> None:
        while True:
            lane, message, error = self._refused.get()
            attempt = 0
            # If the connection is lost, stop: the broker will deliver the message again.
            while message.connected and not self._filed(lane, message, error):
                attempt += 1
                time.sleep(full_jitter(attempt, cap=RETRY_CAP_SECONDS))
            self._acknowledge(message)

    def _filed(self, lane: str, message: Message, error: Exception) -> bool:
        try:
            try:
                letters.file_message(lane, message, error, now=timezone.now())
            finally:
                # A child that is forked later must not inherit the connection.
                connection.close()
        except Exception as failure:
            log.warning("a refused message waits", lane=lane, error=str(failure))
            return False
        metrics.PARKED.labels(lane).inc()
        return True
