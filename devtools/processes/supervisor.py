"""Starts, watches, kills and stops the processes of a table.

Each is identified by its recorded pid, so that a later caller finds what an earlier one left
running.
"""

import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devtools.processes.table import Command
from devtools.servers.process import Process, ServerFailure

START_LIMIT = 60.0  # seconds
STOP_LIMIT = 20.0
POLL_SECONDS = 0.1
TAIL_LINES = 15


class Supervisor:
    """Runs the processes of a table in the clone at `root`; pids and logs are kept below `home`."""

    def __init__(
        self, table: Mapping[str, Command], *, root: Path, home: Path, environ: Mapping[str, str]
    ) -> None:
        self.table = table
        self.root = root
        self.logs = home / "log"
        self.environ = environ
        records = home / "run"
        for directory in (self.logs, records):
            directory.mkdir(parents=True, exist_ok=True)
        self._processes = {name: Process(records / name) for name in table}
        self._wanted: set[str] = set()

    def pid(self, name: str) -> int | None:
        """The pid of a process; None if it does not run."""
        return self._processes[name].pid

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def start(self, *names: str) -> None:
        """Start the named processes, or all, unless they run. Returns at once."""
        for name in names or self.table:
            self._wanted.add(name)
            if not self.pid(name):
                self._processes[name].spawn(
                    [sys.executable, *self.table[name].arguments],
                    log=self.log(name),
                    cwd=self.root,
                    environ=self.environ,
                )

    def wait_ready(self, *names: str, limit: float = START_LIMIT) -> None:
        """Return once the named processes, or all, are ready. Raises ServerFailure with the end of
        the log if one is not ready within `limit` seconds."""
        deadline = time.monotonic() + limit
        waiting = list(names or self.table)
        while waiting:
            for name in waiting:
                if not self.pid(name):
                    raise ServerFailure(f"{name} ended while it started\n{self.tail(name)}")
            waiting = [name for name in waiting if not self.table[name].ready()]
            if waiting and time.monotonic() > deadline:
                name = waiting[0]
                raise ServerFailure(f"{name} is not ready after {limit:.0f} s\n{self.tail(name)}")
            time.sleep(POLL_SECONDS if waiting else 0)

    def dead(self) -> list[str]:
        """The processes that ended although nobody stopped or killed them through this
        supervisor."""
        return [name for name in self.table if name in self._wanted and not self.pid(name)]

    def tail(self, name: str) -> str:
        """The last lines of a process's log, and the log's path."""
        log = self.log(name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([*(f"  {line}" for line in lines[-TAIL_LINES:]), f"The whole log: {log}"])

    def kill(self, name: str) -> None:
        """SIGKILL one process and its children, as a crash would."""
        self._wanted.discard(name)
        self._processes[name].kill()

    def end(self, name: str) -> bool:
        """Stop one process in order; return False if SIGTERM did not end it within STOP_LIMIT
        seconds and SIGKILL had to."""
        self._wanted.discard(name)
        return self._processes[name].terminate(signal.SIGTERM, STOP_LIMIT)

    def restart(self, name: str, limit: float = START_LIMIT) -> None:
        """Stop a process if it runs, start it, and wait until it is ready."""
        self.end(name)
        self.start(name)
        self.wait_ready(name, limit=limit)

    def stop(self) -> list[str]:
        """Stop all processes tier by tier, including those of an earlier caller. Returns the names
        that SIGTERM did not end within STOP_LIMIT seconds, so that SIGKILL had to."""
        killed = []
        with ThreadPoolExecutor(max_workers=len(self.table) or 1) as pool:
            for tier in sorted({command.tier for command in self.table.values()}):
                names = [name for name in self.table if self.table[name].tier == tier]
                endings = list(pool.map(self.end, names))
                killed += [name for name, ok in zip(names, endings, strict=True) if not ok]
        return killed
