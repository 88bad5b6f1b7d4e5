"""Histograms of seconds with fixed buckets, so that two of them are merged by adding."""

from bisect import bisect_left
from collections.abc import Sequence

# Upper bounds in seconds: fine where the promises of 5 and 30 s are kept or broken. One more bucket
# takes what is longer than the last.
BOUNDS = (
    *(0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 20, 25, 30),
    *(45, 60, 120, 300, 900, 3600),
)
SIZE = len(BOUNDS) + 1


def empty() -> list[int]:
    return [0] * SIZE


def add(buckets: list[int], seconds: float, weight: int = 1) -> None:
    buckets[bisect_left(BOUNDS, seconds)] += weight


def merge(histograms: Sequence[Sequence[int]]) -> list[int]:
    return [sum(bucket) for bucket in zip(empty(), *histograms, strict=True)]


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """Seconds below which `share` (0 to 1) of what was counted lies, as if it lay evenly in its
    bucket; None where nothing was counted, the last bound for what is longer than that."""
    wanted = share * sum(buckets)
    if not wanted:
        return None
    reached = 0
    for place, count in enumerate(buckets):
        if reached + count >= wanted and count:
            lower = BOUNDS[place - 1] if place else 0.0
            upper = BOUNDS[min(place, len(BOUNDS) - 1)]
            # Sums of fractions may end a little above the bound.
            return min(lower + (upper - lower) * (wanted - reached) / count, upper)
        reached += count
    return float(BOUNDS[-1])
