"""Cached checks of whether a server answers, for callers that ask often.

Guarantee: however many callers ask, only one thread at a time waits for the server. The others get
the result of the last seconds, and a server that does not answer does not block them.
"""

import threading
import time
from collections.abc import Callable

OK, UNREACHABLE = "ok", "unreachable"
# A result is valid for so long.
KEEP_SECONDS = 3.0


class CachedCheck:
    """A check of one server. `ask` raises any error if the server is unhealthy. A caller waits at
    most `timeout` seconds for it, and not at all if the last run of `ask` took longer than that."""

    def __init__(self, ask: Callable[[], None], *, timeout: float) -> None:
        self._ask = ask
        self._timeout = timeout
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()
        self._checked_at: float | None = None
        self._state = UNREACHABLE
        self._slow = False

    def state(self) -> str:
        with self._lock:
            old = self._checked_at is None or time.monotonic() > self._checked_at + KEEP_SECONDS
            if old and self._ended.is_set():
                self._ended.clear()
                threading.Thread(target=self._check, name="check", daemon=True).start()
            timeout = 0 if self._slow else self._timeout
        if not self._ended.wait(timeout):
            self._slow = True
            return UNREACHABLE
        return self._state

    def _check(self) -> None:
        began = time.monotonic()
        try:
            self._ask()
            self._state = OK
        except Exception:
            # The error's text may contain addresses, which callers must not see.
            self._state = UNREACHABLE
        self._checked_at = time.monotonic()
        self._slow = self._checked_at - began > self._timeout
        self._ended.set()
