"""The pushes to one push service that wait for their turn, and those in flight.

Guarantee: a user, and a service, have only so many requests in flight. How many a service has
follows how it answers: one more with each answer while others wait and the event loop has time,
half as many while many users' pushes fail.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from django.conf import settings

from notifications.breakers import FEW_USERS, Breaker
from notifications.claims import Push
from notifications.patience import Patience, Pulse
from notifications.rounds import Round
from notifications.windows import Result

FIRST_IN_FLIGHT = 100
LEAST_IN_FLIGHT = 8
# A few users whose devices do not answer must not take the places of others.
IN_FLIGHT_A_USER = 8
HALVED_SECONDS = 1.0
FAILING_SHARE = 0.25
# What waits here is in memory, and claimed. Beyond so many, or so long, it waits in the table.
LONGEST = 5_000
WAIT_SECONDS = 20.0
# How long it then waits there.
PUT_OFF_SECONDS = 2.0


@dataclass(eq=False, slots=True)
class Item:
    """A push on its way through a line; times are the pulse's. `gave_up` says that its attempt was
    cancelled because no answer came."""

    push: Push
    round: Round
    place: int
    came_at: float = 0.0
    began_at: float = 0.0
    task: asyncio.Task | None = None
    gave_up: bool = False


class Line:
    """Of one origin. `attempt` makes an attempt and calls `left` at its end; `put_off` ends a push
    without one, which is to wait for so many seconds at least."""

    def __init__(
        self,
        breaker: Breaker,
        pulse: Pulse,
        attempt: Callable[["Line", Item], Coroutine],
        put_off: Callable[[Item, float], None],
    ) -> None:
        self.breaker = breaker
        self.patience = Patience()
        self.limit = FIRST_IN_FLIGHT
        self.used_at = 0.0  # The event loop's time at its latest round.
        self._pulse = pulse
        self._attempt = attempt
        self._put_off = put_off
        self._waiting: deque[Item] = deque()
        # Pushes whose user has enough in flight, by the user.
        self._held: defaultdict[int, deque[Item]] = defaultdict(deque)
        self._in_flight: dict[Item, None] = {}  # in the order of their beginning
        self._users: Counter[int] = Counter()
        self._halved_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_flight) + sum(map(len, self._held.values()))

    def add(self, item: Item) -> None:
        if len(self._waiting) >= LONGEST:
            self._put_off(item, PUT_OFF_SECONDS)
            return
        item.came_at = self._pulse.lived
        self._waiting.append(item)

    def fill(self) -> None:
        """Begin what may be begun."""
        while self._waiting and len(self._in_flight) < self.limit:
            item = self._waiting.popleft()
            user = item.push.user_id
            if wait := self.breaker.wait():
                self._put_off(item, wait)
            elif self._users[user] >= IN_FLIGHT_A_USER:
                self._held[user].append(item)
            else:
                self._users[user] += 1
                self._in_flight[item] = None
                item.began_at = self._pulse.lived
                item.task = asyncio.create_task(self._attempt(self, item))

    def left(self, item: Item) -> None:
        """The item's attempt has ended."""
        user = item.push.user_id
        del self._in_flight[item]
        self._users[user] -= 1
        if not self._users[user]:
            del self._users[user]
        if held := self._held.get(user):
            self._waiting.appendleft(held.popleft())
            if not held:
                del self._held[user]
        self.fill()

    def answered(self, item: Item) -> None:
        """There was an answer, whatever it said."""
        self.patience.answered(self._pulse.lived - item.began_at)

    def ran_out(self, item: Item) -> str:
        """There was none in time; says so."""
        now = self._pulse.lived
        self.patience.ran_out(item.began_at, now)
        return f"no answer within {now - item.began_at:.0f} s"

    def note(self, item: Item, result: Result) -> None:
        """How the attempt ended, as far as it tells something about the service."""
        if item.push.attempt == 1:
            self.breaker.note(item.push.subscription_id, item.push.user_id, result)
        if result is Result.ANSWERED and self._waiting and self._pulse.on_time:
            self.limit = min(self.limit + 1, settings.PUSH_IN_FLIGHT)
        if (
            result is Result.FAILED
            and self._pulse.lived - self._halved_at > HALVED_SECONDS
            and self.breaker.window.is_most(Result.FAILED, FEW_USERS, FAILING_SHARE)
        ):
            self._halved_at = self._pulse.lived
            self.limit = max(LEAST_IN_FLIGHT, self.limit // 2)

    def check(self) -> None:
        """Give up what takes too long; called at each pulse."""
        now = self._pulse.lived
        for item in self._in_flight:
            if now - item.began_at < self.patience.seconds:
                break
            if not item.gave_up:
                item.gave_up = True
                item.task.cancel()
        for waiting in (self._waiting, *self._held.values()):
            while waiting and (self.breaker.left() or now - waiting[0].came_at > WAIT_SECONDS):
                self._put_off(waiting.popleft(), self.breaker.left() or PUT_OFF_SECONDS)
        for user in [user for user, held in self._held.items() if not held]:
            del self._held[user]
