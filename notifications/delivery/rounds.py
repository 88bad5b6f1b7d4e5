"""A round: pushes that one task sends together, and its wait for their outcomes."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.outcomes import Outcome
from notifications.delivery.response_timeouts import TICK_SECONDS

Clock = Callable[[], datetime]
Late = Callable[[Outcome], None]
# How long a task waits for answers. Only time in which this process is idle counts, not the time
# that the event loop takes for sending. A longer wait sends fewer pushes where a service is slow:
# with answers after 150 ms, 0.2 s cost a sixth of the throughput.
WAIT_SECONDS = 0.05


class Round:
    """`messages` are by message id. An outcome that comes after the wait has ended is passed to
    `late`, on the event loop's thread. Without `late` the round waits for all outcomes."""

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
        self._missing = len(pushes)
        self._waited = 0.0
        self._over = threading.Event()

    def wait(self) -> list[Outcome]:
        """Wait for the outcomes. Returns those that came in time, in the order of their pushes."""
        self._over.wait()
        return [outcome for outcome in self._outcomes if outcome]

    # --- on the event loop's thread ---

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def end(self, index: int, outcome: Outcome) -> None:
        if self.is_over:
            # Without `late` a round ends early only when the process does.
            if self._late:
                self._late(outcome)
            return
        self._outcomes[index] = outcome
        self._missing -= 1
        if not self._missing:
            self._over.set()

    def count_idle_tick(self) -> None:
        """Count one more tick in which the process was idle; end the wait after WAIT_SECONDS."""
        self._waited += TICK_SECONDS
        if self._late and self._waited >= WAIT_SECONDS:
            self._over.set()

    def abandon(self) -> None:
        """End the wait because the event loop stops."""
        self._over.set()
