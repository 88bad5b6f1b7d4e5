"""Servers, a database and Connectify's processes for one measurement, all of them private.

Everything lies below .services/bench. What a killed run has left running is ended first.
"""

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
from amqp.exceptions import NotFound
from kombu import Connection

from devtools.lab import interruption, question
from devtools.lab.progress import Progress
from devtools.processes import QUEUES, Processes, connectify
from devtools.servers import databases
from devtools.servers.ports import Ports
from devtools.servers.process import Process, ServerFailure
from devtools.servers.services import Services

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".services" / "bench"
DATABASE = "connectify_bench"
STOP_LIMIT = 10.0
# Of the caller's environment only this is kept: another stack's addresses would lead astray.
KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "connectify.settings",
    "ALLOWED_HOSTS": "127.0.0.1",
    "LOG_LEVEL": "WARNING",
    "OVERLOAD_FREE_DISK": "0.01",
}


class House:
    """`environ` is what Connectify's processes run with, `processes` are they, by name."""

    def __init__(self, **settings: str) -> None:
        HOME.mkdir(parents=True, exist_ok=True)
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.services = Services(HOME, own, unpacked=ROOT / ".services" / "rabbitmq-dist")
        self.ports = Ports(HOME / "ports.json")
        self._own = own | SETTINGS | settings

    @property
    def environ(self) -> dict[str, str]:
        url = databases.url(self.services.postgres.url, DATABASE)
        return {
            **self.services.environment(),
            **self._own,
            "DATABASE_URL": url,
            "DATABASE_DIRECT_URL": url,
        }

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    @contextmanager
    def open(self, progress: Progress) -> Iterator["House"]:
        """Servers with a new database, an empty broker, and no process of Connectify yet. Raises
        ServerFailure."""
        with self._alone():
            try:
                progress.stage("starting PostgreSQL, RabbitMQ and Valkey")
                # No message of another run may be in the broker, and no old row in the tables.
                for server in (self.services.rabbitmq, self.services.postgres):
                    server.kill()
                    shutil.rmtree(server.home / "data", ignore_errors=True)
                with interruption.put_off():
                    self.services.up(lambda line: None)
                databases.make(self.services.postgres.url, DATABASE)
                databases.migrate(ROOT, self.environ)
                self.ports.claim("web", "flower")
                table = connectify(
                    self.environ,
                    web_port=self.ports["web"],
                    flower_port=self.ports["flower"],
                )
                self.processes = Processes(table, root=ROOT, home=HOME, environ=self.environ)
                yield self
            finally:
                with interruption.put_off():
                    self._end_processes()
                    self.services.down(lambda line: None)

    def ask(self, module: str, *arguments: str, given: Any = None, **environ: str) -> Any:
        """What one of our modules answers; `environ` is added to the house's own."""
        return question.ask(
            module, *arguments, given=given, root=ROOT, environ=self.environ | environ
        )

    def connect(self):
        """A psycopg2 connection in autocommit mode."""
        connection = psycopg2.connect(self.environ["DATABASE_URL"], application_name="bench")
        connection.autocommit = True
        return connection

    def empty_queues(self) -> None:
        """Take every message out of the broker; no process of Connectify may run."""
        with Connection(self.environ["BROKER_URL"]) as broker:
            for name in QUEUES:
                # Before the first run there is none; a refusal closes its channel.
                with suppress(NotFound), broker.channel() as channel:
                    channel.queue_purge(name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (HOME / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ServerFailure(
                    "bin/bench of this clone already runs: wait for its end"
                ) from None
            self._end_processes()
            yield

    def _end_processes(self) -> None:
        for record in sorted((HOME / "run").glob("*")):
            Process(record).terminate(signal.SIGTERM, STOP_LIMIT)
