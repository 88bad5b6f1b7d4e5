"""Connectify's own fan-out, measured: events in the outbox first, then all processes started."""

import time
from dataclasses import dataclass

from bench.house import House
from bench.rate import rows_per_second
from stack import proc
from stack.process import ServerFailure
from stack.processes import CONSUMERS, WORKERS
from stack.progress import Progress

# The relay last: nothing is to do before it starts.
PROCESSES = (
    *(f"{name}-consumer" for name in CONSUMERS),
    *(f"{name}-worker" for name in WORKERS),
    "beat",
    "relay",
)
LOOK_SECONDS = 0.05
# Without another row for this long, something is wrong.
PATIENCE_SECONDS = 60.0
WRITTEN = "SELECT coalesce(sum(rows), 0)::bigint FROM timelines_slicerecord"


@dataclass(frozen=True)
class FanOut:
    """Rows a second; the seconds from the relay's start to the last row; and the CPU seconds of
    each process and server meanwhile."""

    rows_per_s: float
    seconds: float
    cpu: dict[str, float]


def fan_out(house: House, rows: int, progress: Progress) -> FanOut:
    """Start everything, wait for `rows` timeline rows, stop everything."""
    try:
        house.processes.start(*PROCESSES[:-1])
        house.processes.wait_ready(*PROCESSES[:-1])
        before, begun = cpu_seconds(house), time.monotonic()
        house.processes.start("relay")
        commits = watch(house, rows, progress)
        used = {
            name: round(now - before.get(name, 0.0), 2) for name, now in cpu_seconds(house).items()
        }
    finally:
        house.processes.stop()
    return FanOut(rows_per_second(commits), commits[-1][0] - begun, used)


def cpu_seconds(house: House) -> dict[str, float]:
    """Of every process and server that runs, since it started."""
    pids = {name: house.processes.pid(name) for name in PROCESSES}
    pids |= {server.label: server.pid for server in house.services.private}
    return {name: proc.cpu_seconds(pid) for name, pid in pids.items() if pid}


def watch(house: House, rows: int, progress: Progress) -> list[tuple[float, int]]:
    """(monotonic seconds, new rows) at each look that found some, until `rows` are written."""
    commits, seen, changed = [], 0, time.monotonic()
    connection = house.connect()
    with connection.cursor() as cursor:
        pause = LOOK_SECONDS
        while seen < rows:
            time.sleep(pause)
            begun = time.monotonic()
            cursor.execute(WRITTEN)
            (now_written,), now = cursor.fetchone(), time.monotonic()
            # Looking must not take part of the machine away, however many slices there are.
            pause = max(LOOK_SECONDS, 50 * (now - begun))
            if now_written > seen:
                commits.append((now, now_written - seen))
                seen, changed = now_written, now
                progress.count(f"{seen:,} of {rows:,} rows")
            elif now - changed > PATIENCE_SECONDS:
                raise ServerFailure(f"{seen:,} of {rows:,} rows, and no more since a minute")
    connection.close()
    return commits
