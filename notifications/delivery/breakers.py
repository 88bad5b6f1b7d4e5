"""Circuit breakers: one per push service. An open circuit sends nothing; after a while it sends a
growing share of the pushes again.

Guarantee: a circuit opens only if the pushes to most of the distinct users and subscriptions of an
origin failed recently. The processes share their circuits through Valkey; without Valkey each
process decides by itself.
"""

import random
import time
from collections.abc import Callable
from typing import Any

import structlog

from notifications.delivery.breaker_board import (
    MARKED_SECONDS,
    REMEMBER_SECONDS,
    Acceptance,
    Board,
    Opening,
    SharedState,
)
from notifications.delivery.windows import MAJORITY, MIN_USERS, Result, Window

log = structlog.get_logger(__name__)

OPEN_SECONDS = 10.0
MAX_OPEN_SECONDS = 60.0
# After an opening, this share of the pushes is sent. It doubles each second, so after five seconds
# all are sent. The limit of requests in flight, which the failures have reduced, still applies.
INITIAL_SHARE = 1 / 32
# How long the other pushes wait.
RECOVERY_WAIT_SECONDS = 2.0
# Failures of this many users open the circuit again while the service recovers. Rejections of this
# many users are enough to say that the service rejects us.
FEW_USERS = 3
# Rejections open the circuit only if nearly all pushes are rejected: while the service accepts
# some, it is worth sending.
REJECTED_SHARE = 0.9
# How often a process publishes its latest acceptance to the other processes.
PUBLISH_SECONDS = 1.0
MARK_AGAIN_SECONDS = MARKED_SECONDS / 3
NOBODY = Acceptance(0, 0.0)


class CircuitBreaker:
    """The circuit of one origin. Times are time.time()."""

    def __init__(
        self,
        origin: str,
        board: Board,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._origin = origin
        self._board = board
        self._clock = clock
        self._draw = draw
        self._state = SharedState()
        self._changed_at = self._published_at = self._marked_at = 0.0
        # The latest acceptance, and the latest one of another user before it.
        self._last = self._other = NOBODY
        self.window = Window(clock)

    def merge(self, state: SharedState | None, read_at: float) -> None:
        """Take over the shared state, as it was at `read_at`; None if Valkey was unreachable."""
        if state and self._changed_at < read_at:
            if self._state.rejects and not state.rejects:
                self._marked_at = 0.0  # The mark was erased; allow setting it again at once.
            self._state = state
        if state and state.acceptance and state.acceptance.at > self._last.at:
            self.note_acceptance(*state.acceptance)

    def unpublished_acceptance(self) -> Acceptance | None:
        """The latest acceptance, for the other processes; at most one a second."""
        now = self._clock()
        if self._last is NOBODY or now - self._published_at < PUBLISH_SECONDS:
            return None
        self._published_at = now
        return self._last

    def seconds_open(self) -> float:
        """Seconds for which the circuit stays open; 0 if it is not open."""
        opening = self._state.opening
        return max(0.0, opening.until - self._clock()) if opening else 0.0

    def delay(self) -> float:
        """Seconds for which the next push must wait; 0 to send it now."""
        if self._state.opening is None:
            return 0.0
        if left := self.seconds_open():
            return left
        since = self._clock() - self._state.opening.until
        share = INITIAL_SHARE * 2 ** min(since, 10.0)
        return 0.0 if share >= 1 or self._draw() < share else RECOVERY_WAIT_SECONDS

    def is_own_fault(self, user: int, rejected_at: float) -> bool:
        """True if a rejection is the fault of this subscription alone: the service does not reject
        most users, and it accepted another user's push that was started at or after `rejected_at`,
        when this push was first rejected."""
        if self._state.rejects or self.window.is_most(Result.REJECTED, FEW_USERS):
            return False
        other = self._last if self._last.user != user else self._other
        return other.at >= rejected_at

    def note_acceptance(self, user: int, started_at: float) -> None:
        if user != self._last.user:
            self._other = self._last
        self._last = Acceptance(user, started_at)

    def note_result(self, subscription: int, user: int, result: Result) -> None:
        """Note how a first attempt ended. Later attempts say little about the service, because they
        are made only for pushes that failed before."""
        self.window.note(subscription, user, result)
        opening, now = self._state.opening, self._clock()
        # Attempts that were in flight when the circuit opened say nothing new.
        if opening and now < opening.until:
            return
        if result is Result.ANSWERED:
            if self._state.rejects and self.window.is_most(result, FEW_USERS):
                self._change(rejects=False)
                self._board.erase(self._origin, "rejects")
            return
        if result is Result.REJECTED and self.window.is_most(result, FEW_USERS):
            self._mark(now)
        # The number of the opening from which the service is recovering; 0 if from none.
        recovering = 0
        if opening and now < opening.until + REMEMBER_SECONDS:
            recovering = opening.number
        least = FEW_USERS if recovering else MIN_USERS
        most = REJECTED_SHARE if result is Result.REJECTED else MAJORITY
        if self.window.is_most(result, least, most):
            self._open(recovering + 1, now)

    def _open(self, number: int, now: float) -> None:
        seconds = min(MAX_OPEN_SECONDS, OPEN_SECONDS * 2 ** (number - 1))
        opening = Opening(number, now + seconds)
        log.warning("a circuit opens", origin=self._origin, seconds=seconds)
        self._change(opening=opening)
        self._board.write(self._origin, opening)
        self.window.clear()

    def _mark(self, now: float) -> None:
        if now - self._marked_at > MARK_AGAIN_SECONDS:
            log.error("the push service rejects most users", origin=self._origin)
            self._marked_at = now
            self._board.note_rejects(self._origin)
        self._change(rejects=True)

    def _change(self, **changes: Any) -> None:
        self._state = self._state._replace(**changes)
        self._changed_at = self._clock()
