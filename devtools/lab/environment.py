"""Servers, a database and Connectify's processes for one run of a tool.

Everything that a run writes is below `.services/NAME`. The next run ends what a killed run has left
running.
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
    """Discard a line of progress."""


class Environment:
    """`environ` holds the variables of Connectify's processes; `processes` supervises the processes
    of `table`. Both exist once prepare() has returned."""

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
        """Create the tables in the database of DATABASE_URL, and a supervisor for Connectify's
        processes and the `added` ones, without starting any. Raises ServerFailure."""
        self.environ = {**environ, **SETTINGS}
        databases.migrate(ROOT, self.environ)
        self.ports.claim("web", "flower")
        self.table = self.commands() | added
        self.processes = self.supervise(self.table)

    def commands(self) -> dict[str, Command]:
        """Connectify's processes by name."""
        return connectify(
            self.environ, web_port=self.ports["web"], flower_port=self.ports["flower"]
        )

    def supervise(self, table: Mapping[str, Command], **environ: str) -> Supervisor:
        """A supervisor for other processes, or for the same ones with other variables."""
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
        """Run one of our modules as a process with Connectify's environment plus `environ`, and
        return its answer. Raises ServerFailure."""
        return question.ask(
            module, *arguments, given=given, root=ROOT, environ=self.environ | environ
        )

    @contextmanager
    def exclusive(self, say: Say = ignore) -> Iterator[None]:
        """Raises Refused if another run of this clone is still going on."""
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
        """Start all processes, and stop them at the end. Raises ServerFailure if one does not
        start."""
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
            # A stopped process would not react to the signal that ends it.
            Process(record).send(signal.SIGCONT)
        if self.processes:
            self.processes.stop()
        for record in records:
            process = Process(record)
            if process.pid:
                say(f"stopping {record.name}, which a killed run has left")
            process.terminate(signal.SIGTERM, STOP_SECONDS)
