"""What a push service answered lately, by distinct subscriptions and users.

Guarantee: a user counts once however many devices and posts they have, so that a few people's
devices never look like the whole service.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import Enum

# The newest results say how the service is now: with more of them, a busy service that goes away
# would be noticed later.
SUBSCRIPTIONS = 200
SECONDS = 60.0
# Fewer users than this are people with a fault of their own.
LEAST_USERS = 10
SHARE = 0.5


class Result(Enum):
    """How an attempt ended, as far as it tells something about the service."""

    ANSWERED = "answered"  # with an acceptance, or with a fault of the push or the subscription
    FAILED = "failed"  # no answer, 408, 425, 429, 5xx
    REJECTED = "rejected"  # 401 and 403


class Window:
    """The latest result of each of the newest SUBSCRIPTIONS, none older than SECONDS."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self._results: OrderedDict[int, tuple[float, int, Result]] = OrderedDict()
        # How many subscriptions each user has with a result.
        self._users: dict[Result, Counter[int]] = {result: Counter() for result in Result}

    def note(self, subscription: int, user: int, result: Result) -> None:
        self._drop(subscription)
        self._results[subscription] = (self._clock(), user, result)
        self._users[result][user] += 1
        if len(self._results) > SUBSCRIPTIONS:
            self._drop(next(iter(self._results)))

    def is_most(self, result: Result, least: int = LEAST_USERS, share: float = SHARE) -> bool:
        """True if at least `least` users, and `share` of both users and subscriptions, have it."""
        self._expire()
        users = len(self._users[result])
        return (
            users >= least
            and users >= share * len(set().union(*self._users.values()))
            and self._users[result].total() >= share * len(self._results)
        )

    def _expire(self) -> None:
        oldest = self._clock() - SECONDS
        while self._results and next(iter(self._results.values()))[0] < oldest:
            self._drop(next(iter(self._results)))

    def _drop(self, subscription: int) -> None:
        if subscription in self._results:
            _, user, result = self._results.pop(subscription)
            self._users[result][user] -= 1
            if not self._users[result][user]:
                del self._users[result][user]
