"""The queue of one push service: pushes that wait to be sent, and those in flight.

Guarantee: the requests in flight are limited, per user and per service. The limit of a service
adapts: it grows by one with each response while others wait and the event loop has time, and it is
halved while the pushes of many users fail.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from notifications.delivery.breakers import FEW_USERS, CircuitBreaker
from notifications.delivery.claims import Push
from notifications.delivery.response_timeouts import LoopClock, ResponseTimeout
from notifications.delivery.rounds import Round
from notifications.delivery.windows import Result

INITIAL_IN_FLIGHT = 100
MIN_IN_FLIGHT = 8
# Keeps a few users whose devices do not respond from using up the places of everyone else.
MAX_IN_FLIGHT_PER_USER = 8
# The limit is halved at most once in this time.
HALVE_SECONDS = 1.0
FAILING_SHARE = 0.25
# Pushes that wait here are in memory, and claimed. When more than MAX_WAITING wait, or one waits
# longer than WAIT_SECONDS, the push goes back to the table and is due again after POSTPONE_SECONDS.
MAX_WAITING = 5_000
WAIT_SECONDS = 20.0
POSTPONE_SECONDS = 2.0


@dataclass(eq=False, slots=True)
class Item:
    """A push on its way through a queue. Times are LoopClock.elapsed. `timed_out` says that its
    attempt was cancelled because no response came in time."""

    push: Push
    round: Round
    index: int
    queued_at: float = 0.0
    started_at: float = 0.0
    task: asyncio.Task[None] | None = None
    timed_out: bool = False


class OriginQueue:
    """The queue of one origin.

    `attempt` sends a push and calls `finished` at the end. `postpone` ends a push without an
    attempt; the push waits for at least the given number of seconds.
    """

    def __init__(
        self,
        breaker: CircuitBreaker,
        clock: LoopClock,
        attempt: Callable[["OriginQueue", Item], Coroutine[Any, Any, None]],
        postpone: Callable[[Item, float], None],
    ) -> None:
        self.breaker = breaker
        self.timeout = ResponseTimeout()
        self.limit = INITIAL_IN_FLIGHT
        self.used_at = 0.0  # The event loop's time at the latest round.
        self._clock = clock
        self._attempt = attempt
        self._postpone = postpone
        self._waiting: deque[Item] = deque()
        # Pushes to users who have MAX_IN_FLIGHT_PER_USER in flight, by user id.
        self._blocked: defaultdict[int, deque[Item]] = defaultdict(deque)
        self._in_flight: dict[Item, None] = {}  # in the order in which they started
        self._users: Counter[int] = Counter()
        self._halved_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_flight) + sum(map(len, self._blocked.values()))

    def add(self, item: Item) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._postpone(item, POSTPONE_SECONDS)
            return
        item.queued_at = self._clock.elapsed
        self._waiting.append(item)

    def start_waiting(self) -> None:
        """Start as many of the waiting pushes as the limits allow."""
        while self._waiting and len(self._in_flight) < self.limit:
            item = self._waiting.popleft()
            user = item.push.user_id
            if delay := self.breaker.delay():
                self._postpone(item, delay)
            elif self._users[user] >= MAX_IN_FLIGHT_PER_USER:
                self._blocked[user].append(item)
            else:
                self._users[user] += 1
                self._in_flight[item] = None
                item.started_at = self._clock.elapsed
                item.task = asyncio.create_task(self._attempt(self, item))

    def finished(self, item: Item) -> None:
        """Take the item, whose attempt has ended, out of the queue and start the next ones."""
        user = item.push.user_id
        del self._in_flight[item]
        self._users[user] -= 1
        if not self._users[user]:
            del self._users[user]
        if blocked := self._blocked.get(user):
            self._waiting.appendleft(blocked.popleft())
            if not blocked:
                del self._blocked[user]
        self.start_waiting()

    def note_response(self, item: Item) -> None:
        """Note how long the service took to respond, whatever its answer was."""
        self.timeout.note_response(self._clock.elapsed - item.started_at)

    def note_timeout(self, item: Item) -> str:
        """Note that the item's attempt timed out. Returns the reason."""
        now = self._clock.elapsed
        self.timeout.note_timeout(item.started_at, now)
        return f"no answer within {now - item.started_at:.0f} s"

    def note_result(self, item: Item, result: Result) -> None:
        """Tell the circuit breaker how the attempt ended, and adapt the limit in flight."""
        if item.push.attempt == 1:
            self.breaker.note_result(item.push.subscription_id, item.push.user_id, result)
        if result is Result.ANSWERED and self._waiting and self._clock.on_time:
            self.limit = min(self.limit + 1, settings.PUSH_IN_FLIGHT)
        if (
            result is Result.FAILED
            and self._clock.elapsed - self._halved_at > HALVE_SECONDS
            and self.breaker.window.is_most(Result.FAILED, FEW_USERS, FAILING_SHARE)
        ):
            self._halved_at = self._clock.elapsed
            self.limit = max(MIN_IN_FLIGHT, self.limit // 2)

    def check_times(self) -> None:
        """Cancel attempts that have timed out, and postpone pushes that have waited too long or
        whose circuit is open. Called at each tick."""
        now = self._clock.elapsed
        for item in self._in_flight:
            if now - item.started_at < self.timeout.seconds:
                break
            if item.task and not item.timed_out:
                item.timed_out = True
                item.task.cancel()
        for items in (self._waiting, *self._blocked.values()):
            while items and (
                self.breaker.seconds_open() or now - items[0].queued_at > WAIT_SECONDS
            ):
                self._postpone(items.popleft(), self.breaker.seconds_open() or POSTPONE_SECONDS)
        for user in [user for user, items in self._blocked.items() if not items]:
            del self._blocked[user]
