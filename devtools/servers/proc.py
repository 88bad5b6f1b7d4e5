"""Processes of this machine, read with psutil: start times, descendants, and resource usage."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def started_at(pid: int) -> int | None:
    """The start time in hundredths of a second since boot, which changes of the clock do not
    affect; None for a dead process or a zombie."""
    try:
        process = psutil.Process(pid)
        # A killed process is a zombie while its threads still hold sockets and files.
        if process.status() in DEAD and process.num_threads() <= 1:
            return None
        return round(100 * (process.create_time() - psutil.boot_time()))
    except psutil.NoSuchProcess:
        return None


def tree(pid: int) -> list[psutil.Process]:
    """The process and all its descendants; empty if it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL each process that still runs. A process that has since got the same pid is not
    killed."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def working_in(directory: Path) -> list[psutil.Process]:
    """Every process with this working directory, as far as we may see them."""
    here = str(directory.resolve())
    return [found for found in psutil.process_iter(["cwd"]) if found.info["cwd"] == here]


def measured(pid: int, figure: Callable[[psutil.Process], float]) -> list[float]:
    """A figure of the process and of each descendant."""
    found = []
    for process in tree(pid):
        with suppress(psutil.Error):
            found.append(figure(process))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process, its ended children and all its descendants so far."""

    def used(process: psutil.Process) -> float:
        times = process.cpu_times()
        ended = times.children_user + times.children_system if process.pid == pid else 0.0
        return times.user + times.system + ended

    return sum(measured(pid, used))


def resident_bytes(pid: int) -> float:
    """Resident memory of a process and all its descendants."""
    return sum(measured(pid, lambda process: process.memory_info().rss))


def unique_bytes(pid: int) -> list[float]:
    """Unshared memory (USS) of a process and of each descendant."""
    return measured(pid, lambda process: process.memory_full_info().uss)
