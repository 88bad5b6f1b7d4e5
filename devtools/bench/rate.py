"""Rows per second from the first to the last commit, measured alike for all writers of rows."""

from collections.abc import Iterable


def rows_per_second(commits: Iterable[tuple[float, int]]) -> float:
    """Takes one (monotonic seconds, rows) pair per commit. The rows of the first commit do not
    count, because they were written before the measured time began."""
    ordered = sorted(commits)
    seconds = ordered[-1][0] - ordered[0][0]
    return sum(rows for _, rows in ordered[1:]) / seconds if seconds else 0.0
