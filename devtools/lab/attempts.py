"""What the clients of a load saw: each post, with every request that was made for it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from devtools.lab.latency import Percentiles


@dataclass
class Attempt:
    """One post that a user wanted to write. Times are time.monotonic().

    `author` is their id in the graph. `failed` counts requests without an answer, `rejected` those
    that were refused, by status; `problem` says what the last of them came to. `seconds` is how
    long the request took that was accepted.
    """

    number: int
    author: int
    content: str
    begun_at: float
    failed: int = 0
    rejected: Counter[int] = field(default_factory=Counter)
    problem: str = ""
    post_id: int | None = None
    accepted_at: float | None = None
    seconds: float = 0.0
    replayed: bool = False

    @property
    def accepted(self) -> bool:
        return self.post_id is not None

    @property
    def answered(self) -> bool:
        """Whether a request for it has come to any end."""
        return self.accepted or bool(self.failed or self.rejected)

    @property
    def at_once(self) -> bool:
        """Whether the first request was accepted."""
        return self.accepted and not self.failed and not self.rejected


class Attempts(list[Attempt]):
    """In the order in which they were begun."""

    @property
    def accepted(self) -> list[Attempt]:
        return [attempt for attempt in self if attempt.accepted]

    @property
    def answered(self) -> int:
        """How many were accepted or refused."""
        return sum(attempt.answered for attempt in self)

    @property
    def numbers(self) -> Mapping[int, int]:
        """Of the accepted posts, the number by id."""
        return {attempt.post_id: attempt.number for attempt in self.accepted}

    @property
    def ids(self) -> Mapping[int, int]:
        """Of the accepted posts, the id by number."""
        return {attempt.number: attempt.post_id for attempt in self.accepted}

    @property
    def accepted_at(self) -> Mapping[int, float]:
        """Of the accepted posts, by id."""
        return {attempt.post_id: attempt.accepted_at for attempt in self.accepted}

    @property
    def refused(self) -> Mapping[int, str]:
        """Of those that were answered and not accepted, the problem by number."""
        return {a.number: a.problem for a in self if a.answered and not a.accepted}

    def latencies(self, since: float = 0.0, until: float = float("inf")) -> Percentiles:
        """Of the accepted requests of posts begun in a time."""
        return Percentiles.of(a.seconds for a in self.accepted if since <= a.begun_at < until)
