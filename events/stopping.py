"""Finishing the work in hand on SIGTERM and SIGINT."""

import os
import select
import signal


class Stop:
    """`requested` turns true with the first signal; `wakeup` is a descriptor that then becomes
    readable, so that a select() ends at once."""

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
        """Sleep, but no longer than until a stop is requested."""
        select.select([self.wakeup], [], [], seconds)
