"""Ctrl-C, SIGTERM, a closed terminal: each ends a run in order, and none cuts the ending short."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def as_ctrl_c() -> None:
    """From now on, all of them raise KeyboardInterrupt, by the way that Ctrl-C takes."""
    # A shell starts a background job with SIGINT ignored, and Python then leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in SIGNALS[1:]:
        signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGINT))


@contextmanager
def put_off() -> Iterator[None]:
    """They wait for the end of this context: a process that is started is recorded as well, and
    stopping is what they ask for anyway."""
    came: list[int] = []
    before = [signal.signal(number, lambda n, _: came.append(n)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
        if came:
            os.kill(os.getpid(), signal.SIGINT)
