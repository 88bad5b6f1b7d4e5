"""Settles pushes whose answers came after their task had ended.

Guarantee: each outcome is settled as soon as the database accepts it, many of them in one
transaction. If the process dies before that, the claim's lease ends and the push is repeated.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import structlog
from django.db import close_old_connections

from events.errors import PassingError, wrap_passing_errors
from notifications.delivery.claims import LEASE
from notifications.delivery.outcomes import Outcome
from social.models import Post

log = structlog.get_logger(__name__)

# The outcomes that come within this time share a transaction, and their retries share a task.
GATHER_SECONDS = 0.5
RETRY_SECONDS = 1.0
DRAIN_SECONDS = 3.0

Settle = Callable[[Sequence[Outcome], dict[int, Post]], None]


class Settler:
    """A thread that settles late outcomes. It lives as long as the process."""

    def __init__(self) -> None:
        self._waiting: dict[Settle, list[tuple[Sequence[Outcome], Mapping[int, Post]]]] = {}
        self._changed = threading.Condition()
        self._busy = False
        threading.Thread(target=self._run, name="late pushes", daemon=True).start()

    def add(self, settle: Settle, posts: Mapping[int, Post], *outcomes: Outcome) -> None:
        """Have the outcomes settled: the thread calls `settle` once with all outcomes that were
        added with it, and with all of their posts."""
        with self._changed:
            self._waiting.setdefault(settle, []).append((outcomes, posts))
            self._changed.notify()

    def drain(self, seconds: float) -> None:
        """Wait until all outcomes are settled, for at most `seconds`."""
        deadline = time.monotonic() + seconds
        while (self._waiting or self._busy) and time.monotonic() < deadline:
            time.sleep(GATHER_SECONDS / 4)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._waiting)
                self._busy = True
            time.sleep(GATHER_SECONDS)
            with self._changed:
                waiting, self._waiting = self._waiting, {}
            for settle, given in waiting.items():
                posts = {pk: post for _, known in given for pk, post in known.items()}
                _settle(settle, [outcome for outcomes, _ in given for outcome in outcomes], posts)


def _settle(settle: Settle, outcomes: Sequence[Outcome], posts: dict[int, Post]) -> None:
    """Retry until the outcomes are settled, or until other tasks may have taken over the claims."""
    deadline = time.monotonic() + LEASE.total_seconds()
    while time.monotonic() < deadline:
        try:
            close_old_connections()
            with wrap_passing_errors():
                settle(outcomes, posts)
            return
        except PassingError as error:
            log.warning("late pushes cannot be settled yet", error=str(error))
            time.sleep(RETRY_SECONDS)
        except Exception:
            log.exception("late pushes could not be settled", count=len(outcomes))
            # Split them, so that the outcome that causes the error does not affect the others.
            half = len(outcomes) // 2
            for part in (outcomes[:half], outcomes[half:]) if half else ():
                _settle(settle, part, posts)
            return


@cache
def settler() -> Settler:
    """This process's settler. It is created on first use, and so after any fork."""
    return Settler()
