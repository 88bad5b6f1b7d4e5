"""Ctrl-C, SIGTERM and a closed terminal each end a run in order, and do not interrupt its
cleanup."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def as_ctrl_c() -> None:
    """From now on, all of these signals raise KeyboardInterrupt, as Ctrl-C does."""
    # A shell starts a background job with SIGINT ignored, and Python then keeps it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in SIGNALS[1:]:
        signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGINT))


@contextmanager
def put_off() -> Iterator[None]:
    """Delay the signals until the block ends, so that a process that is started is also recorded,
    and so that cleanup is not interrupted."""
    came: list[int] = []
    before = [signal.signal(number, lambda n, _: came.append(n)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
        if came:
            os.kill(os.getpid(), signal.SIGINT)
