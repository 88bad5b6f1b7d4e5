"""A server's process, identified by its pid and its start time.

The record on disk survives the process that spawned it. A pid that the kernel has since given to
another process is never signalled.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from devtools.servers.proc import kill, started_at, tree

LOG_LIMIT = 20_000_000  # bytes; a longer log is renamed to log.old at the next start

# Children of this process must be waited for when they end. Otherwise a caller that kills and
# restarts servers all day fills the process table with zombies.
_children: dict[int, subprocess.Popen] = {}


class ServerFailure(Exception):
    """A server cannot be started, stopped or reached; the message says what to do about it."""

    exit_code = 1


class Process:
    """A process that is recorded in a file as "pid start-time"."""

    def __init__(self, record: Path) -> None:
        self.record = record

    @property
    def pid(self) -> int | None:
        """The pid while the recorded process lives, else None."""
        try:
            pid, started = map(int, self.record.read_text().split())
        except (OSError, ValueError):
            return None
        if pid in _children and _children[pid].poll() is not None:
            _children.pop(pid, None)
        return pid if started_at(pid) == started else None

    def spawn(
        self, argv: Sequence[str | Path], *, log: Path, cwd: Path, environ: Mapping[str, str]
    ) -> int:
        """Start argv in a new session, so that it survives the terminal; return its pid."""
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(f"{log.name}.old"))
        with log.open("ab") as output:
            try:
                child = subprocess.Popen(
                    [str(argument) for argument in argv],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=dict(environ),
                    start_new_session=True,
                )
            except OSError as error:
                raise ServerFailure(f"{argv[0]} cannot be run: {error.strerror}") from error
        started = started_at(child.pid)
        _children[child.pid] = child
        # Written elsewhere and renamed, because a half-written record would lose the process.
        partial = self.record.with_name(f"{self.record.name}.partial")
        partial.write_text(f"{child.pid} {started}\n")
        partial.replace(self.record)
        return child.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the recorded process, if it still exists."""
        if pid := self.pid:
            with _ours(pid), suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_gone(self, limit: float) -> bool:
        """Wait; return True if the process ended within `limit` seconds."""
        deadline = time.monotonic() + limit
        while self.pid:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def terminate(self, number: signal.Signals, limit: float) -> bool:
        """Send the signal, and SIGKILL after `limit` seconds; return True if the signal was
        enough."""
        self.send(number)
        graceful = self.wait_gone(limit)
        if not graceful:
            self.kill()
        self.record.unlink(missing_ok=True)
        return graceful

    def kill(self) -> None:
        """SIGKILL the process and all its descendants, as a crash of the machine would."""
        pid = self.pid
        if pid is None:
            return
        # List the children before their parent dies, because afterwards they belong to init. Kill
        # the parent first, because it would restart a killed child.
        with _ours(pid):
            kill(tree(pid))
        if not self.wait_gone(limit=10):
            raise ServerFailure(f"process {pid} outlived SIGKILL; look at it with: ps -fp {pid}")


@contextmanager
def _ours(pid: int) -> Iterator[None]:
    try:
        yield
    except (PermissionError, psutil.AccessDenied) as error:
        raise ServerFailure(
            f"process {pid} belongs to another user: stop it as the user who started it"
        ) from error
