"""Named points in the code where a test can make the process die or sleep.

The environment variable FAILPOINTS names them with their modules, for example
`events.relay.after_confirm=kill:3,timelines.fanout.in_slice=sleep:30`. `kill` or `kill:N` sends
SIGKILL at the first or Nth time; `sleep:S` sleeps S seconds each time. If FAILPOINTS does not name
a point, which is always so in production, the point does nothing.

An unknown name or action ends the process when it starts. Otherwise the fault of a test would never
happen, and the test would pass.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from itertools import count

from django.core.exceptions import ImproperlyConfigured


def _parse(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split(",") if part)


_given = _parse(os.environ.get("FAILPOINTS", ""))
_declared: set[str] = set()


def failpoint(module: str, point: str) -> Callable[[], None]:
    """Return the function to call at the point. Call this once, when `module` is imported.

    Raises ImproperlyConfigured if FAILPOINTS names an unknown action for the point.
    """
    name = f"{module}.{point}"
    _declared.add(name)
    if name not in _given:
        return _nothing
    given = _given[name]
    action, _, argument = given.partition(":")
    with suppress(ValueError):
        if action == "kill":
            return _Killer(int(argument or 1))
        if action == "sleep":
            seconds = float(argument)
            return lambda: time.sleep(seconds)
    raise ImproperlyConfigured(f"FAILPOINTS: {name} can kill, kill:N or sleep:S, not {given!r}")


def check() -> None:
    """Raise ImproperlyConfigured for a name in FAILPOINTS that no module declares. Call it after
    the apps are loaded, because it imports the named modules."""
    for name in _given:
        with suppress(ImportError, ValueError):
            import_module(name.rpartition(".")[0])
        if name not in _declared:
            raise ImproperlyConfigured(f"FAILPOINTS: there is no failpoint {name}")


class _Killer:
    def __init__(self, times: int):
        self._times = times
        self._count = count(1)

    def __call__(self) -> None:
        if next(self._count) == self._times:
            os.kill(os.getpid(), signal.SIGKILL)


def _nothing() -> None:
    pass
