"""The recent results of a push service, by distinct subscription and user.

Guarantee: each user counts once, however many devices and posts they have. So the failing devices
of a few users never make the whole service look as if it failed.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import Enum

# Only this many results count, because the newest ones show how the service is now. With more, an
# outage of a busy service would be noticed later.
SUBSCRIPTIONS = 200
SECONDS = 60.0
# Failures of fewer users than this are their own, and not the service's.
MIN_USERS = 10
MAJORITY = 0.5


class Result(Enum):
    """What the end of an attempt says about the service."""

    ANSWERED = "answered"  # accepted, or refused because of the push or the subscription
    FAILED = "failed"  # no answer, 408, 425, 429, 5xx
    REJECTED = "rejected"  # 401 and 403


class Window:
    """The latest result of each subscription, for the SUBSCRIPTIONS newest results that are not
    older than SECONDS."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self._results: OrderedDict[int, tuple[float, int, Result]] = OrderedDict()
        # For each result, how many of a user's subscriptions have it.
        self._users: dict[Result, Counter[int]] = {result: Counter() for result in Result}

    def note(self, subscription: int, user: int, result: Result) -> None:
        self._drop(subscription)
        self._results[subscription] = (self._clock(), user, result)
        self._users[result][user] += 1
        if len(self._results) > SUBSCRIPTIONS:
            self._drop(next(iter(self._results)))

    def is_most(self, result: Result, least: int = MIN_USERS, share: float = MAJORITY) -> bool:
        """True if at least `least` users have the result, and at least `share` of the users and of
        the subscriptions."""
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
