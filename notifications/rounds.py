"""Pushes that are sent together, and the wait for them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from notifications.claims import Push
from notifications.messages import Message
from notifications.outcomes import Outcome
from notifications.patience import PULSE_SECONDS

Clock = Callable[[], datetime]
Late = Callable[[Outcome], None]
# How long a task waits for answers, in time that this process has to spare: what the event loop
# takes for sending does not count. With more, a task would wait longer where a service is slow, and
# fewer pushes be sent; with less, more would be settled apart from their task.
HOLD_SECONDS = 0.2


class Round:
    """`messages` are by message id. An outcome that comes after the end of the wait is given to
    `late` on the event loop's thread; without `late`, all are waited for."""

    def __init__(
        self,
        pushes: Sequence[Push],
        messages: Mapping[int, Message],
        clock: Clock,
        late: Late | None,
    ) -> None:
        self.pushes = pushes
        self.messages = messages
        self.clock = clock
        self._late = late
        self._outcomes: list[Outcome | None] = [None] * len(pushes)
        self._left = len(pushes)
        self._held = 0.0
        self._over = threading.Event()

    def wait(self) -> list[Outcome]:
        """The outcomes that are there when the wait is over, in the order of their pushes."""
        self._over.wait()
        return [outcome for outcome in self._outcomes if outcome]

    # --- on the event loop's thread ---

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def end(self, place: int, outcome: Outcome) -> None:
        if self.is_over:
            self._late(outcome)
            return
        self._outcomes[place] = outcome
        self._left -= 1
        if not self._left:
            self._over.set()

    def hold(self) -> None:
        """Another pulse has passed in which the process had time to spare."""
        self._held += PULSE_SECONDS
        if self._late and self._held >= HOLD_SECONDS:
            self._over.set()

    def fail(self) -> None:
        """The event loop is gone: nobody must wait for it."""
        self._over.set()
