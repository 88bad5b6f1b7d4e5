"""What the clients of a load saw: each post with all its requests."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from devtools.lab.latency import Percentiles


@dataclass
class Attempt:
    """One post that a user wanted to write. Times are time.monotonic().

    `author` is a graph id. `failed` counts requests without an answer, `rejected` counts refused
    requests by status, and `problem` describes the last failure. `seconds` is the duration of the
    accepted request.
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
        """True if a request for it was accepted, refused or given up."""
        return self.accepted or bool(self.failed or self.rejected)

    @property
    def at_once(self) -> bool:
        """True if the first request was accepted."""
        return self.accepted and not self.failed and not self.rejected


class Attempts(list[Attempt]):
    """Attempts in the order in which they began."""

    @property
    def accepted(self) -> list[Attempt]:
        return [attempt for attempt in self if attempt.accepted]

    @property
    def answered(self) -> int:
        """How many were accepted, refused or given up."""
        return sum(attempt.answered for attempt in self)

    @property
    def numbers(self) -> Mapping[int, int]:
        """The numbers of the accepted posts, by id."""
        return {attempt.post_id: attempt.number for attempt in self.accepted}

    @property
    def ids(self) -> Mapping[int, int]:
        """The ids of the accepted posts, by number."""
        return {attempt.number: attempt.post_id for attempt in self.accepted}

    @property
    def accepted_at(self) -> Mapping[int, float]:
        """When each accepted post was accepted, by id."""
        return {attempt.post_id: attempt.accepted_at for attempt in self.accepted}

    @property
    def refused(self) -> Mapping[int, str]:
        """The problem of each answered post that was not accepted, by number."""
        return {a.number: a.problem for a in self if a.answered and not a.accepted}

    def latencies(self, since: float = 0.0, until: float = float("inf")) -> Percentiles:
        """Durations of the accepted requests for posts begun in a span of time."""
        return Percentiles.of(a.seconds for a in self.accepted if since <= a.begun_at < until)
