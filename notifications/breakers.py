"""Sending nothing to a push service that fails, and then a growing share of its pushes.

Guarantee: a breaker opens only where most of the distinct users and subscriptions of an origin
failed lately. What a process finds out it shares through Valkey; without Valkey it goes on by
itself.
"""

import random
import time
from collections.abc import Callable

import structlog

from notifications.breaker_board import (
    FORGOTTEN_SECONDS,
    MARKED_SECONDS,
    Acceptance,
    Board,
    Known,
    Opening,
)
from notifications.windows import LEAST_USERS, SHARE, Result, Window

log = structlog.get_logger(__name__)

OPEN_SECONDS = 10.0
LONGEST_SECONDS = 60.0
# After an opening this share of the pushes is sent, and twice as many after each second: all of
# them after five. The limit of requests in flight, which failures have brought down, bounds their
# number as well.
FIRST_SHARE = 1 / 32
# How long a push waits that is not in the share.
SHARED_SECONDS = 2.0
# So few users tell that a service that recovers has not, or that a service rejects us.
FEW_USERS = 3
# Where some are accepted, the others' rejections are no reason to send nothing.
NEARLY_ALL = 0.9
# How often an acceptance is told to the other processes.
TOLD_SECONDS = 1.0
MARK_AGAIN_SECONDS = MARKED_SECONDS / 3
NOBODY = Acceptance(0, 0.0)


class Breaker:
    """Of one origin; times are time.time()."""

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
        self._known = Known()
        self._changed_at = self._told_at = self._marked_at = 0.0
        # The latest acceptance, and the one before it of somebody else.
        self._last = self._other = NOBODY
        self.window = Window(clock)

    def take(self, known: Known | None, asked_at: float) -> None:
        """Take over what the processes knew then; None if Valkey was away."""
        if known and self._changed_at < asked_at:
            if self._known.rejects and not known.rejects:
                self._marked_at = 0.0  # Somebody erased the mark: it can be set again at once.
            self._known = known
        if known and known.acceptance and known.acceptance.at > self._last.at:
            self.accepted(*known.acceptance)

    def news(self) -> Acceptance | None:
        """An acceptance that the other processes should hear of, at most one a second."""
        now = self._clock()
        if self._last is NOBODY or now - self._told_at < TOLD_SECONDS:
            return None
        self._told_at = now
        return self._last

    def left(self) -> float:
        """Seconds for which nothing is sent."""
        opening = self._known.opening
        return max(0.0, opening.until - self._clock()) if opening else 0.0

    def wait(self) -> float:
        """Seconds for which this push must wait; at 0 the caller sends it."""
        if self._known.opening is None:
            return 0.0
        if left := self.left():
            return left
        since = self._clock() - self._known.opening.until
        share = FIRST_SHARE * 2 ** min(since, 10.0)
        return 0.0 if share >= 1 or self._draw() < share else SHARED_SECONDS

    def is_own_fault(self, user: int, rejected_at: float) -> bool:
        """True if a rejection says something about the subscription alone: the service does not
        reject most, and has accepted a push of another user's that was begun since `rejected_at`,
        when this push was first rejected."""
        if self._known.rejects or self.window.is_most(Result.REJECTED, FEW_USERS):
            return False
        other = self._last if self._last.user != user else self._other
        return other.at >= rejected_at

    def accepted(self, user: int, began_at: float) -> None:
        if user != self._last.user:
            self._other = self._last
        self._last = Acceptance(user, began_at)

    def note(self, subscription: int, user: int, result: Result) -> None:
        """Note how a first attempt ended. Later ones say little about the service: they are made
        for those that failed before."""
        self.window.note(subscription, user, result)
        opening, now = self._known.opening, self._clock()
        # Attempts that were under way when it opened tell nothing new.
        if opening and now < opening.until:
            return
        if result is Result.ANSWERED:
            if self._known.rejects and self.window.is_most(result, FEW_USERS):
                self._change(rejects=False)
                self._board.erase(self._origin, "rejects")
            return
        if result is Result.REJECTED and self.window.is_most(result, FEW_USERS):
            self._mark(now)
        recovering = opening and now < opening.until + FORGOTTEN_SECONDS
        least = FEW_USERS if recovering else LEAST_USERS
        most = NEARLY_ALL if result is Result.REJECTED else SHARE
        if self.window.is_most(result, least, most):
            self._open(opening.number + 1 if recovering else 1, now)

    def _open(self, number: int, now: float) -> None:
        seconds = min(LONGEST_SECONDS, OPEN_SECONDS * 2 ** (number - 1))
        opening = Opening(number, now + seconds)
        log.warning("a breaker opens", origin=self._origin, seconds=seconds)
        self._change(opening=opening)
        self._board.write(self._origin, opening)
        self.window.clear()

    def _mark(self, now: float) -> None:
        if now - self._marked_at > MARK_AGAIN_SECONDS:
            log.error("the push service rejects most of us", origin=self._origin)
            self._marked_at = now
            self._board.note_rejects(self._origin)
        self._change(rejects=True)

    def _change(self, **changes) -> None:
        self._known = self._known._replace(**changes)
        self._changed_at = self._clock()
