"""A circuit for connecting to a server: it opens when the server does not answer.

Guarantee: while the circuit is open, one thread at a time tries to connect, and every other attempt
fails at once. Otherwise each thread of the web server would wait for its own connection to time
out, and requests would arrive faster than they are refused.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# A failed attempt opens the circuit only if it took at least this long. A server that refuses a
# connection does so at once, and may accept the next one.
SILENT_SECONDS = 1.0
# Between two attempts while the circuit is open.
PAUSE_SECONDS = 1.0


class CircuitOpenError(Exception):
    """The server did not answer a moment ago."""


class Circuit:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open = self._trying = False
        self._retry_at = 0.0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Connect inside this block. Raises CircuitOpenError if no attempt is allowed now."""
        with self._lock:
            if self._open and (self._trying or self._monotonic() < self._retry_at):
                raise CircuitOpenError
            self._trying = True
        began, connected = self._monotonic(), False
        try:
            yield
            connected = True
        finally:
            now = self._monotonic()
            with self._lock:
                self._trying = False
                self._open = not connected and now - began >= SILENT_SECONDS
                self._retry_at = now + PAUSE_SECONDS
