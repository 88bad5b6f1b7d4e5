"""Exponential back-off with full jitter.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

import random


def full_jitter(attempt: int, *, base: float = 0.2, cap: float, draw=random.random) -> float:
    """Seconds to wait before try number `attempt` + 1: anything up to base * 2**attempt, at most
    `cap`; `draw` gives numbers in [0, 1)."""
    return draw() * min(cap, base * 2 ** min(attempt, 60))
