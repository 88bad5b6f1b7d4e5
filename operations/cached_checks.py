"""Whether a server answers, for those who ask all the time.

Guarantee: however many ask, one thread at a time waits for the server; the others get what it said
within the last seconds, and are not held up by one that does not answer.
"""

import threading
import time
from collections.abc import Callable

OK, UNREACHABLE = "ok", "unreachable"
# An answer holds for so long.
KEEP_SECONDS = 3.0


class Look:
    """`ask` raises whatever it likes if the server is not well. `patience` (seconds) is how long a
    caller waits for it, unless it took longer the last time."""

    def __init__(self, ask: Callable[[], None], *, patience: float) -> None:
        self._ask = ask
        self._patience = patience
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()
        self._looked_at: float | None = None
        self._state = UNREACHABLE
        self._slow = False

    def state(self) -> str:
        with self._lock:
            old = self._looked_at is None or time.monotonic() > self._looked_at + KEEP_SECONDS
            if old and self._ended.is_set():
                self._ended.clear()
                threading.Thread(target=self._look, name="look", daemon=True).start()
            patience = 0 if self._slow else self._patience
        if not self._ended.wait(patience):
            self._slow = True
            return UNREACHABLE
        return self._state

    def _look(self) -> None:
        began = time.monotonic()
        try:
            self._ask()
            self._state = OK
        except Exception:
            # Which address and why are for the log of that server, not for whoever asks here.
            self._state = UNREACHABLE
        self._looked_at = time.monotonic()
        self._slow = self._looked_at - began > self._patience
        self._ended.set()
