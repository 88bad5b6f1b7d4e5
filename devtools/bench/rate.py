"""Rows a second from the first to the last commit: the same measure for all who write rows."""

from collections.abc import Iterable


def rows_per_second(commits: Iterable[tuple[float, int]]) -> float:
    """Of (monotonic seconds, rows) pairs, one a commit. The first one's rows were written before
    the time began, and do not count."""
    ordered = sorted(commits)
    seconds = ordered[-1][0] - ordered[0][0]
    return sum(rows for _, rows in ordered[1:]) / seconds if seconds else 0.0
