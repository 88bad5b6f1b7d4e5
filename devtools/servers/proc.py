"""Processes of this machine, by psutil: when they started, who started whom, what they use."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def started_at(pid: int) -> int | None:
    """The start time in hundredths of a second since boot, which no change of the clock moves;
    None for the dead, zombies included."""
    try:
        process = psutil.Process(pid)
        # A killed process is a zombie while threads of it still hold sockets and files.
        if process.status() in DEAD and process.num_threads() <= 1:
            return None
        return round(100 * (process.create_time() - psutil.boot_time()))
    except psutil.NoSuchProcess:
        return None


def tree(pid: int) -> list[psutil.Process]:
    """The process and every one below it; empty if it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL each that still runs, and no other that has got its pid since."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def working_in(directory: Path) -> list[psutil.Process]:
    """Every process whose working directory this is, as far as we may see them."""
    here = str(directory.resolve())
    return [found for found in psutil.process_iter(["cwd"]) if found.info["cwd"] == here]


def measured(pid: int, figure: Callable[[psutil.Process], float]) -> list[float]:
    """A figure of the process and of each one below it."""
    found = []
    for process in tree(pid):
        with suppress(psutil.Error):
            found.append(figure(process))
    return found


def cpu_seconds(pid: int) -> float:
    """What a process, its ended children and all processes below it have used so far."""

    def used(process: psutil.Process) -> float:
        times = process.cpu_times()
        ended = times.children_user + times.children_system if process.pid == pid else 0.0
        return times.user + times.system + ended

    return sum(measured(pid, used))


def resident_bytes(pid: int) -> float:
    """Of a process and all below it."""
    return sum(measured(pid, lambda process: process.memory_info().rss))


def unique_bytes(pid: int) -> list[float]:
    """Memory that nobody shares (USS), of a process and of each one below it."""
    return measured(pid, lambda process: process.memory_full_info().uss)
