"""Whether a server is within reach, as this process has found out last.

Guarantee: while it is not, one thread at a time waits for it, and every other is told at once.
Without this each thread of a web server waits for its own connection to time out, and requests come
in faster than they are refused.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# A server that refuses a connection does so at once, and may take the next one. One whose answer
# did not come for so long is out of reach.
SILENT_SECONDS = 1.0
# Between two attempts at such a server.
PAUSE_SECONDS = 1.0


class OutOfReachError(Exception):
    """The server did not answer a moment ago."""


class Reach:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._lost = self._trying = False
        self._again_at = 0.0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Connect inside it. Raises OutOfReachError where nobody should try now."""
        with self._lock:
            if self._lost and (self._trying or self._monotonic() < self._again_at):
                raise OutOfReachError
            self._trying = True
        began, connected = self._monotonic(), False
        try:
            yield
            connected = True
        finally:
            now = self._monotonic()
            with self._lock:
                self._trying = False
                self._lost = not connected and now - began >= SILENT_SECONDS
                self._again_at = now + PAUSE_SECONDS
