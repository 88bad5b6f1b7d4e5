"""Heartbeats on a connection whose owner is busy with something else.

Guarantee: the broker hears from a process that works, however long that takes, and no longer from
one that is frozen: what that one held is another's within 30 s. One thread at a time uses the
connection, as py-amqp and TLS want it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kombu import Connection

# The broker closes a connection two to three of these after the last word on it.
SECONDS = 10


class Heartbeats:
    """A context for the one who uses `connection`, which is open and has a heartbeat."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._lent = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, name="heartbeats", daemon=True)

    def __enter__(self) -> "Heartbeats":
        self._lent.acquire()
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._lent.release()
        self._thread.join()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The owner leaves the connection alone meanwhile."""
        self._lent.release()
        try:
            yield
        finally:
            self._lent.acquire()

    def _send(self) -> None:
        interval = self._connection.heartbeat / 2
        while not self._ended.wait(interval):
            with self._lent:
                if self._ended.is_set():
                    return
                try:
                    self._connection.connection.send_heartbeat()
                except (OSError, *self._connection.connection_errors):
                    return  # The owner notices by itself.
