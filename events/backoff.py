"""Exponential back-off with full jitter.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

import random
from collections.abc import Callable


def full_jitter(
    attempt: int,
    *,
    base: float = 0.2,
    cap: float,
    draw: Callable[[], float] = random.random,
) -> float:
    """Return the seconds to wait before attempt number `attempt` + 1: a random number between 0 and
    base * 2**attempt, at most `cap`. `draw` returns numbers in [0, 1)."""
    return draw() * min(cap, base * 2.0 ** min(attempt, 60))
