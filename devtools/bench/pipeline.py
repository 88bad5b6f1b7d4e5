"""Measures Connectify's own fan-out: fill the outbox with events first, then start all processes.

The ledger counts the rows. Counting the rows themselves would slow down the processes that write
them.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from devtools.bench import tables
from devtools.bench.population import FOLLOWERS, write_posts
from devtools.bench.rate import rows_per_second
from devtools.lab.environment import Environment
from devtools.lab.population import Population
from devtools.lab.progress import Progress
from devtools.processes import CONSUMERS, WORKERS
from devtools.servers import proc
from devtools.servers.process import ServerFailure

# The relay comes last, because nothing happens before it starts.
PROCESSES = (
    *CONSUMERS,
    *WORKERS,
    "beat",
    "relay",
)
POLL_SECONDS = 0.05
# If no further row appears for this long, something is wrong.
TIMEOUT_SECONDS = 60.0
WRITTEN = "SELECT coalesce(sum(rows), 0)::bigint FROM timelines_slicerecord"


@dataclass(frozen=True)
class FanOut:
    """`posts` are (post id, author id) pairs; `seconds` is from the relay's start to the last row;
    `cpu` are the CPU seconds of each process and server in that time."""

    posts: list[tuple[int, int]]
    rows_per_s: float
    seconds: float
    cpu: dict[str, float]


def fan_out(environment: Environment, people: Population, count: int, progress: Progress) -> FanOut:
    """Write `count` posts into empty tables, start everything, wait for all timeline rows, stop
    everything."""
    with closing(environment.connect()) as connection:
        tables.empty(connection)
        environment.empty_queues()
        progress.stage(f"writing {count:,} posts, their events into the outbox")
        posts = write_posts(environment, people, count)
        progress.stage("all processes start")
        try:
            environment.processes.start(*PROCESSES[:-1])
            environment.processes.wait_ready(*PROCESSES[:-1])
            before, begun = cpu_seconds(environment), time.monotonic()
            with watched(connection, count * FOLLOWERS, progress) as commits:
                environment.processes.start("relay")
            used = {
                name: round(now - before.get(name, 0.0), 2)
                for name, now in cpu_seconds(environment).items()
            }
        finally:
            environment.processes.stop()
    return FanOut(posts, rows_per_second(commits), commits[-1][0] - begun, used)


def cpu_seconds(environment: Environment) -> dict[str, float]:
    """CPU seconds of every running process and server since its start."""
    pids = {name: environment.processes.pid(name) for name in PROCESSES}
    pids |= {server.label: server.pid for server in environment.services.private}
    return {name: proc.cpu_seconds(pid) for name, pid in pids.items() if pid}


@contextmanager
def watched(connection, rows: int, progress: Progress) -> Iterator[list[tuple[float, int]]]:
    """Yield a list that gets (monotonic seconds, new rows) for each poll that finds new rows. Start
    the writers in the block. It ends when there are `rows` more than before."""
    commits: list[tuple[float, int]] = []
    with connection.cursor() as cursor:
        there = _written(cursor)
        yield commits
        seen, pause, changed = 0, POLL_SECONDS, time.monotonic()
        while seen < rows:
            time.sleep(pause)
            begun = time.monotonic()
            found, now = _written(cursor) - there, time.monotonic()
            # Polling must not slow the machine down, however many slices there are.
            pause = max(POLL_SECONDS, 50 * (now - begun))
            if found > seen:
                commits.append((now, found - seen))
                seen, changed = found, now
                progress.count(f"{seen:,} of {rows:,} rows")
            elif now - changed > TIMEOUT_SECONDS:
                raise ServerFailure(f"{seen:,} of {rows:,} rows, and no more for a minute")


def _written(cursor) -> int:
    cursor.execute(WRITTEN)
    return cursor.fetchone()[0]
