"""The behaviour of the whole service: how long answers take, and what share of requests it
refuses."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

THROTTLED, GONE = 429, 410


@dataclass(frozen=True)
class Conditions:
    """Answers take `seconds` plus or minus up to `spread` seconds (evenly distributed), but a share
    `tail` of them takes `tail_seconds`. The shares `throttled` and `gone` are answered 429 and 410.
    Raises ValueError for impossible values."""

    seconds: float = 0.0
    spread: float = 0.0
    tail: float = 0.0
    tail_seconds: float = 0.0
    throttled: float = 0.0
    gone: float = 0.0
    draw: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def __post_init__(self):
        shares = (self.tail, self.throttled, self.gone)
        if any(not 0 <= share <= 1 for share in shares) or self.throttled + self.gone > 1:
            raise ValueError("a share is between 0 and 1")
        if self.spread > self.seconds or self.tail_seconds < 0 or self.spread < 0:
            raise ValueError("times must not be negative")

    def latency(self) -> float:
        """The seconds that the next answer takes."""
        if self.tail and self.draw() < self.tail:
            return self.tail_seconds
        return self.seconds + self.spread * (2 * self.draw() - 1) if self.seconds else 0.0

    def status(self) -> int | None:
        """The status that refuses the next request, or None to accept it."""
        if not self.throttled and not self.gone:
            return None
        drawn = self.draw()
        if drawn < self.throttled:
            return THROTTLED
        return GONE if drawn < self.throttled + self.gone else None
