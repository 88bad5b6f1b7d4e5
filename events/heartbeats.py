"""Heartbeats on a connection while its owner does other work.

Guarantee: the broker receives heartbeats from a process that works, however long the work takes,
and none from a frozen process: within 30 s another consumer gets its messages. Only one thread at a
time uses the connection, as py-amqp and TLS require.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kombu import Connection

# The broker closes a connection on which it has received nothing for two to three intervals.
SECONDS = 10


class Heartbeats:
    """A context manager for the user of `connection`, which must be open and have a heartbeat."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._lent = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, name="heartbeats", daemon=True)

    def __enter__(self) -> "Heartbeats":
        self._lent.acquire()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._lent.release()
        self._thread.join()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Lend the connection to the heartbeat thread; the owner must not use it in this block."""
        self._lent.release()
        try:
            yield
        finally:
            self._lent.acquire()

    def _send(self) -> None:
        interval = (self._connection.heartbeat or SECONDS) / 2
        lost: tuple[type[BaseException], ...] = (OSError, *self._connection.connection_errors)
        while not self._ended.wait(interval):
            with self._lent:
                if self._ended.is_set():
                    return
                try:
                    self._connection.connection.send_heartbeat()
                except lost:
                    return  # The owner will get the same error from its next call.
