"""Percentiles of latencies."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Percentiles:
    """Seconds; None if nothing was measured."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Percentiles":
        ordered = sorted(seconds)
        if not ordered:
            return cls()
        return cls(*(percentile(ordered, percent) for percent in (50, 95, 99)))


def percentile(ordered: list[float], percent: int) -> float:
    """The percentile by nearest rank: the smallest value that `percent` % of all do not exceed."""
    return ordered[ceil(len(ordered) * percent / 100) - 1]
