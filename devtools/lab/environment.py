"""Servers, a database and Connectify's processes for one run of a tool.

All that a run writes lies below `.services/NAME`; what a killed run has left running is ended by
the next one.
"""

import fcntl
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devtools.lab import database, interruption, question
from devtools.lab.failure import Refused
from devtools.lab.progress import Progress
from devtools.processes import Command, Supervisor, connectify
from devtools.servers import databases
from devtools.servers.lifecycle import Say
from devtools.servers.ports import Ports
from devtools.servers.process import Process
from devtools.servers.services import Services

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".services"
STOP_SECONDS = 10.0
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "connectify.settings",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "LOG_LEVEL": "WARNING",
    "PUSH_ALLOW_LOOPBACK": "1",  # The push services are ours.
}


def ignore(line: str) -> None:
    """Says nothing."""


class Environment:
    """`environ` is what Connectify's processes run with; `processes` supervises them, which are
    those of `table`. Both are there once prepare() has returned."""

    def __init__(self, name: str, services: Services) -> None:
        self.name = name
        self.services = services
        self.home = STATE / name
        self.home.mkdir(parents=True, exist_ok=True)
        self.ports = Ports(self.home / "ports.json")
        self.environ: dict[str, str] = {}
        self.table: dict[str, Command] = {}
        self.processes: Supervisor | None = None

    def prepare(self, environ: Mapping[str, str], **added: Command) -> None:
        """Make the tables in the database of DATABASE_URL, and a supervisor for Connectify's
        processes and the `added` ones; none is started. Raises ServerFailure."""
        self.environ = {**environ, **SETTINGS}
        databases.migrate(ROOT, self.environ)
        self.ports.claim("web", "flower")
        self.table = self.commands() | added
        self.processes = self.supervise(self.table)

    def commands(self) -> dict[str, Command]:
        """Connectify's processes, by name."""
        return connectify(
            self.environ, web_port=self.ports["web"], flower_port=self.ports["flower"]
        )

    def supervise(self, table: Mapping[str, Command], **environ: str) -> Supervisor:
        """A supervisor for other processes, or for the same with other variables."""
        return Supervisor(table, root=ROOT, home=self.home, environ=self.environ | environ)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def flower(self) -> str:
        return f"http://127.0.0.1:{self.ports['flower']}"

    @property
    def database_url(self) -> str:
        return self.environ["DATABASE_DIRECT_URL"]

    def connect(self):
        """A psycopg2 connection in autocommit mode. Raises psycopg2.OperationalError."""
        return database.connect(self.database_url)

    def ask(self, module: str, *arguments: str, given: Any = None, **environ: str) -> Any:
        """What one of our modules answers, which runs as Connectify's processes do, with `environ`
        added. Raises ServerFailure."""
        return question.ask(
            module, *arguments, given=given, root=ROOT, environ=self.environ | environ
        )

    @contextmanager
    def exclusive(self, say: Say = ignore) -> Iterator[None]:
        """Raises Refused where another run of this clone goes on."""
        with (self.home / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused(
                    f"bin/{self.name} of this clone already runs: wait for its end"
                ) from None
            self.end_processes(say)
            yield

    @contextmanager
    def running(self, progress: Progress) -> Iterator[None]:
        """Starts all processes and stops them. Raises ServerFailure where one does not start."""
        try:
            with interruption.put_off():
                self.processes.start()
            self.processes.wait_ready()
            progress.stage(f"{len(self.table)} processes ready, web at {self.origin}")
            yield
        finally:
            with interruption.put_off():
                killed = self.processes.stop()
            progress.stage(" ".join(["processes stopped", *(f"({k} killed)" for k in killed)]))

    def end_processes(self, say: Say = ignore) -> None:
        """End every process that this or an earlier run has recorded."""
        records = sorted((self.home / "run").glob("*"))
        for record in records:
            # One that is stopped would not notice that it is to end.
            Process(record).send(signal.SIGCONT)
        if self.processes:
            self.processes.stop()
        for record in records:
            process = Process(record)
            if process.pid:
                say(f"stopping {record.name}, which a killed run has left")
            process.terminate(signal.SIGTERM, STOP_SECONDS)
