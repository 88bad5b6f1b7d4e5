"""Waiting for what other processes do."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 30.0, every: float = 0.05):
    """The first true value of `condition`; an assertion error when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition()!r}"
        time.sleep(every)
