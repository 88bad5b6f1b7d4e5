"""Connectify's own fan-out, measured: events in the outbox first, then all processes started.

The rows that are written are counted by the ledger: counting them themselves would take the machine
from those who write them.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bench import tables
from bench.house import House
from bench.population import FOLLOWERS, Population
from bench.rate import rows_per_second
from stack import proc
from stack.process import ServerFailure
from stack.processes import CONSUMERS, WORKERS
from stack.progress import Progress

# The relay last: nothing is to do before it starts.
PROCESSES = (
    *CONSUMERS,
    *WORKERS,
    "beat",
    "relay",
)
LOOK_SECONDS = 0.05
# Without another row for this long, something is wrong.
PATIENCE_SECONDS = 60.0
WRITTEN = "SELECT coalesce(sum(rows), 0)::bigint FROM timelines_slicerecord"


@dataclass(frozen=True)
class FanOut:
    """The posts, with their authors; rows a second; the seconds from the relay's start to the last
    row; and the CPU seconds of each process and server meanwhile."""

    posts: list[tuple[int, int]]
    rows_per_s: float
    seconds: float
    cpu: dict[str, float]


def fan_out(house: House, population: Population, count: int, progress: Progress) -> FanOut:
    """Write `count` posts into empty tables, start everything, wait for all timeline rows, stop
    everything."""
    with closing(house.connect()) as connection:
        tables.empty(connection)
        house.empty_queues()
        progress.stage(f"writing {count:,} posts, their events into the outbox")
        posts = population.write_posts(house, count)
        progress.stage("all processes start")
        try:
            house.processes.start(*PROCESSES[:-1])
            house.processes.wait_ready(*PROCESSES[:-1])
            before, begun = cpu_seconds(house), time.monotonic()
            with watched(connection, count * FOLLOWERS, progress) as commits:
                house.processes.start("relay")
            used = {
                name: round(now - before.get(name, 0.0), 2)
                for name, now in cpu_seconds(house).items()
            }
        finally:
            house.processes.stop()
    return FanOut(posts, rows_per_second(commits), commits[-1][0] - begun, used)


def cpu_seconds(house: House) -> dict[str, float]:
    """Of every process and server that runs, since it started."""
    pids = {name: house.processes.pid(name) for name in PROCESSES}
    pids |= {server.label: server.pid for server in house.services.private}
    return {name: proc.cpu_seconds(pid) for name, pid in pids.items() if pid}


@contextmanager
def watched(connection, rows: int, progress: Progress) -> Iterator[list[tuple[float, int]]]:
    """(monotonic seconds, new rows) at each look that found some. The block starts those who write,
    and is left when there are `rows` more than before it: what was there already is not theirs."""
    commits: list[tuple[float, int]] = []
    with connection.cursor() as cursor:
        there = _written(cursor)
        yield commits
        seen, pause, changed = 0, LOOK_SECONDS, time.monotonic()
        while seen < rows:
            time.sleep(pause)
            begun = time.monotonic()
            found, now = _written(cursor) - there, time.monotonic()
            # Looking must not take part of the machine away, however many slices there are.
            pause = max(LOOK_SECONDS, 50 * (now - begun))
            if found > seen:
                commits.append((now, found - seen))
                seen, changed = found, now
                progress.count(f"{seen:,} of {rows:,} rows")
            elif now - changed > PATIENCE_SECONDS:
                raise ServerFailure(f"{seen:,} of {rows:,} rows, and no more since a minute")


def _written(cursor) -> int:
    cursor.execute(WRITTEN)
    return cursor.fetchone()[0]
