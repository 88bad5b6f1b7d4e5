"""Named points in the code where a test lets the process die or sleep.

FAILPOINTS in the environment names them, `relay.after_confirm=kill:3,worker.in_slice=sleep:30`:
`kill` or `kill:N` is a SIGKILL at the first or Nth time, `sleep:S` a sleep of S seconds each time.
Unset, which is always but in such tests, a point is a function that does nothing.
"""

import os
import signal
import time
from collections.abc import Callable
from itertools import count


def _parse(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(",") if part)


_told = _parse(os.environ.get("FAILPOINTS", ""))


def failpoint(name: str) -> Callable[[], None]:
    """What to call at the point; decided once, when the module that has it is imported."""
    action, _, argument = _told.get(name, "").partition(":")
    if action == "kill":
        return _Killer(int(argument or 1))
    if action == "sleep":
        return lambda: time.sleep(float(argument))
    return _nothing


class _Killer:
    def __init__(self, times: int):
        self._times = times
        self._count = count(1)

    def __call__(self) -> None:
        if next(self._count) == self._times:
            os.kill(os.getpid(), signal.SIGKILL)


def _nothing() -> None:
    pass
