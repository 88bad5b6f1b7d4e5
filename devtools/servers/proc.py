"""What Linux's /proc says of processes: when they started, who started whom, where they work."""

import contextlib
import os
from pathlib import Path


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (state, parent, …); empty for no process."""
    try:
        # The second field, the name in brackets, may itself hold spaces and brackets.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def started_at(pid: int) -> int | None:
    """The start time in clock ticks since boot (field 22); None for the dead, zombies included."""
    fields = stat(pid)
    if not fields:
        return None
    state, threads, started = fields[0], int(fields[17]), int(fields[19])
    # The first thread of a killed process is a zombie while others still hold sockets and files.
    return None if state in "ZX" and threads <= 1 else started


def descendants(pid: int) -> list[int]:
    """Every process below pid."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def working_in(directory: Path) -> list[int]:
    """Every process whose working directory this is, as far as we may see them."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").samefile(directory):
                found.append(int(entry.name))
    return found


def cpu_seconds(pid: int) -> float:
    """What a process, its ended children and all processes below it have used so far."""
    ticks = sum(
        sum(map(int, fields[11:15] if below == pid else fields[11:13]))
        for below in (pid, *descendants(pid))
        if (fields := stat(below))
    )
    return ticks / os.sysconf("SC_CLK_TCK")


def unique_bytes(pid: int) -> int:
    """Memory that nobody shares with the process (USS); 0 for no process."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
