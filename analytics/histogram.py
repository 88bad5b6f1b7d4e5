"""Histograms of seconds with fixed buckets, so that histograms are merged by adding them."""

from bisect import bisect_left
from collections.abc import Sequence

# Upper bounds in seconds, close together around the promised 5 and 30 s. One further bucket holds
# everything above the last bound.
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
    """The seconds below which `share` (0 to 1) of the values lie, if the values of a bucket are
    distributed evenly. None for an empty histogram; the last bound for values above it."""
    wanted = share * sum(buckets)
    if not wanted:
        return None
    reached = 0
    for place, count in enumerate(buckets):
        if reached + count >= wanted and count:
            lower = BOUNDS[place - 1] if place else 0.0
            upper = BOUNDS[min(place, len(BOUNDS) - 1)]
            # Rounding errors may lead slightly above the bound.
            return min(lower + (upper - lower) * (wanted - reached) / count, upper)
        reached += count
    return float(BOUNDS[-1])
