"""Children that outlive a parent who was killed alone."""

import os
import signal
from collections.abc import Mapping

from devtools.servers.proc import descendants, started_at


def end(processes: Mapping[int, int | None]) -> None:
    """SIGKILL those of the processes, by pid and start time, that are still the same."""
    for pid, started in processes.items():
        if started is not None and started_at(pid) == started:
            os.kill(pid, signal.SIGKILL)


def below(pid: int) -> dict[int, int | None]:
    """The processes below one, with their start times."""
    return {child: started_at(child) for child in descendants(pid)}
