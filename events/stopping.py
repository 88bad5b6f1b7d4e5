"""Stopping gracefully on SIGTERM and SIGINT: the current work is finished first."""

import os
import select
import signal


class Stop:
    """`requested` is True after the first signal. `wakeup` is a file descriptor that then becomes
    readable, so that a select() returns at once."""

    def __init__(self) -> None:
        self.requested = False
        self.wakeup, self._write = os.pipe()
        os.set_blocking(self._write, False)

    @classmethod
    def on_signals(cls) -> "Stop":
        stop = cls()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.request())
        return stop

    def request(self) -> None:
        self.requested = True
        os.write(self._write, b"x")

    def wait(self, seconds: float) -> None:
        """Sleep until `seconds` are over or a stop is requested."""
        select.select([self.wakeup], [], [], seconds)
