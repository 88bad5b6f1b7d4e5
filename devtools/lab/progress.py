"""The progress of a run: a line for each stage, and a line of counts."""

import time
from contextlib import suppress
from typing import TextIO

# Seconds between two lines of counts on an output that cannot overwrite a line.
INTERVAL_SECONDS = 5.0


class Progress:
    """Writes to `out`, with the seconds since the start of the run."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.begun = time.monotonic()
        self._live = out.isatty()
        self._counting = False
        self._counted_at = 0.0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.begun

    def stage(self, text: str) -> None:
        """Write a line that stays."""
        self._end_counting()
        self._write(f"[{self.elapsed:6.1f} s] {text}\n")

    def lines(self, text: str) -> None:
        """Write lines without the time."""
        self._end_counting()
        self._write(f"{text}\n")

    def count(self, text: str) -> None:
        """Write counts; on a terminal they overwrite the previous ones."""
        if self._live:
            self._write(f"\r\x1b[K[{self.elapsed:6.1f} s] {text}")
            self._counting = True
        elif self.elapsed - self._counted_at >= INTERVAL_SECONDS:
            self._counted_at = self.elapsed
            self._write(f"[{self.elapsed:6.1f} s] {text}\n")

    def _end_counting(self) -> None:
        if self._counting:
            self._write("\n")
            self._counting = False
        self._counted_at = self.elapsed

    def _write(self, text: str) -> None:
        # The reader of the output may be gone. What was started must be stopped all the same.
        with suppress(BrokenPipeError):
            self.out.write(text)
            self.out.flush()
