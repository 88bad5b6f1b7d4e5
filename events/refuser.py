"""Files what a worker refuses, in a thread beside the worker's main loop.

Guarantee: a refused message is acknowledged after its dead letter is committed, and never rejected:
the broker adds no reason to what is rejected, and some headers end the process in it that moves
dead letters. The main loop waits for no database.
"""

import queue
import threading
import time
from collections.abc import Callable

import structlog
from django.db import connection
from django.utils import timezone
from kombu import Message

from events import letters, metrics
from events.backoff import full_jitter
from events.routing import lane_of

RETRY_CAP_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Refuser:
    """`acknowledge` is called with a message that is filed, from the thread."""

    def __init__(self, acknowledge: Callable[[Message], None]):
        self._acknowledge = acknowledge
        self._refused: queue.SimpleQueue[tuple[Message, Exception]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def refuse(self, message: Message, error: Exception) -> None:
        """Returns at once. What waits here keeps its place in the lane's prefetch, so that a lane
        takes no more than that while the database is away."""
        self._refused.put((message, error))
        # Not sooner: the worker's children are forked first, and shall not inherit a thread.
        if self._thread is None:
            self._thread = threading.Thread(target=self._file_all, name="refuser", daemon=True)
            self._thread.start()

    def _file_all(self) -> None:
        while True:
            message, error = self._refused.get()
            attempt = 0
            # Without a connection it is no longer ours: the broker sends it again.
            while message.channel.connection and not self._filed(message, error):
                attempt += 1
                time.sleep(full_jitter(attempt, cap=RETRY_CAP_SECONDS))
            self._acknowledge(message)

    def _filed(self, message: Message, error: Exception) -> bool:
        lane = lane_of(message.delivery_info) or "unknown"
        try:
            letters.file_message(lane, message, error, now=timezone.now())
        except Exception as failure:
            log.warning("a refused message waits", lane=lane, error=str(failure))
            return False
        finally:
            # A child that is forked later must not inherit it.
            connection.close()
        metrics.PARKED.labels(lane).inc()
        return True
