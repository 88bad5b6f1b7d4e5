"""Logs of processes and servers, as evidence."""

from collections.abc import Callable
from pathlib import Path


def count_in(log: Path, text: str) -> Callable[[], int]:
    """Return a function that counts how often `text` has been written to the log since this
    call."""
    begin = log.stat().st_size if log.exists() else 0

    def times() -> int:
        with log.open("rb") as file:
            file.seek(begin)
            return file.read().count(text.encode())

    return times
