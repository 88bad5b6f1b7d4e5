"""What the load's clients saw: each post, with every request that was made for it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Attempt:
    """One post that a user wanted to write. Times are time.monotonic().

    `failed` counts requests without an answer, `rejected` those answered otherwise than 201, by
    status. `seconds` is how long the request took that was accepted.
    """

    number: int
    author: int
    content: str
    begun_at: float
    failed: int = 0
    rejected: Counter[int] = field(default_factory=Counter)
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
        """Whether the first request was answered 201."""
        return self.accepted and not self.failed and not self.rejected


def percentile(values: Iterable[float], share: float) -> float:
    """By the nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def latencies(attempts: Sequence[Attempt], since: float, until: float) -> list[float]:
    """Seconds of the accepted requests of posts begun in a time."""
    return [a.seconds for a in attempts if a.accepted and since <= a.begun_at < until]
