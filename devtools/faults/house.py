"""Private servers, a database and all processes of Connectify: made once, broken row by row.

Everything lies below .services/faults. What a killed run has left running is ended by its recorded
pid before anything is started.
"""

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devtools.faults.broker import Broker
from devtools.faults.commands import with_app
from devtools.faults.failure import Busy
from devtools.faults.graph import Graph
from devtools.faults.population import Population
from devtools.lab import interruption
from devtools.processes import Command, Processes, connectify
from devtools.servers import databases
from devtools.servers.ports import Ports
from devtools.servers.process import Process
from devtools.servers.services import Services

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".services" / "faults"
DATABASE = "connectify_faults"
STOP_LIMIT = 10.0
# RabbitMQ 3.10.8 loses the confirmed messages of a quorum queue that is killed just after it was
# first declared.
QUEUES_SETTLE_SECONDS = 2.0
# What another stack's environment would lead astray.
FOREIGN = (
    *("DATABASE_URL", "DATABASE_DIRECT_URL", "BROKER_URL", "BROKER_MANAGEMENT_URL", "REDIS_URL"),
    *("SECRET_KEY", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT", "ALLOWED_HOSTS", "FLOWER_BASIC_AUTH"),
    *("FAILPOINTS", "STATIC_ROOT", "LD_PRELOAD", "FAKETIME"),
)
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "connectify.settings",
    "ALLOWED_HOSTS": "127.0.0.1",
    "LOG_LEVEL": "WARNING",
    # Small, so that a post is several tasks, in both lanes, and partitions are made under load.
    "TIMELINE_TASK_ROWS": "100",
    "TIMELINE_LARGE_AUDIENCE": "200",
    "PARTITION_POSTS": "200",
    "OVERLOAD_FREE_DISK": "0.01",
    # The harness's own push services.
    "PUSH_ALLOW_LOOPBACK": "1",
}


class House:
    """`processes` are Connectify's own, of `table`; `environ` is what they run with."""

    def __init__(self, root: Path = ROOT, home: Path = HOME) -> None:
        self.root = root
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        own = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        unpacked = root / ".services" / "rabbitmq-dist"
        self.services = Services(home, own, unpacked=unpacked)
        self.postgres = self.services.postgres
        self.rabbitmq = self.services.rabbitmq
        self.valkey = self.services.valkey
        self.processes: Processes | None = None
        self._own = own

    @contextmanager
    def open(self, graph: Graph) -> Iterator["House"]:
        """Raises Busy, ServerFailure and HarnessFailure; ends all that it started."""
        with self._alone():
            try:
                self._start_servers()
                self.settle(graph)
                yield self
            finally:
                with interruption.put_off():
                    self.close()

    def settle(self, graph: Graph) -> None:
        """A new database, an empty broker, and all processes started anew."""
        self.graph = graph
        databases.make(self.postgres.url, DATABASE)
        databases.migrate(self.root, self.environ)
        self.database_url = self.environ["DATABASE_URL"]
        self.population = Population.make(graph, self.root, self.environ)
        self.broker = Broker(self.rabbitmq.url, self.rabbitmq.management_url)
        self.table = self._table()
        self.processes = Processes(self.table, root=self.root, home=self.home, environ=self.environ)
        with interruption.put_off():
            self.processes.start()
        self.processes.wait_ready()
        time.sleep(QUEUES_SETTLE_SECONDS)

    def renew(self) -> None:
        """After a row that left something behind: everything but PostgreSQL's data is made anew."""
        self.end_processes()
        self.rabbitmq.kill()
        self._start_servers()
        self.settle(self.graph)

    @property
    def environ(self) -> dict[str, str]:
        given = self.services.environment()
        url = databases.url(given["DATABASE_URL"], DATABASE)
        return {**self._own, **given, **SETTINGS, "DATABASE_URL": url, "DATABASE_DIRECT_URL": url}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._ports['web']}"

    def dressed(self, name: str, command: Command | None = None, **environ: str) -> Processes:
        """One process by its own record, with other variables or another command line."""
        table = {name: command or self.table[name]}
        return Processes(table, root=self.root, home=self.home, environ={**self.environ, **environ})

    def close(self) -> None:
        self.end_processes()
        self.services.down(lambda line: None)

    def end_processes(self) -> None:
        """Stop every process that this or an earlier run has recorded."""
        recorded = [Process(record) for record in sorted((self.home / "run").glob("*"))]
        for process in recorded:
            process.send(signal.SIGCONT)  # The stopped would not hear that they are to end.
        if self.processes:
            self.processes.stop()
        for process in recorded:
            process.terminate(signal.SIGTERM, STOP_LIMIT)

    def _start_servers(self) -> None:
        """The broker's data is deleted, so that no message of another run is in it."""
        self.rabbitmq.kill()
        shutil.rmtree(self.rabbitmq.home / "data", ignore_errors=True)
        with interruption.put_off():
            self.services.up(lambda line: None)

    def _table(self) -> Mapping[str, Command]:
        ports = self._ports
        ports.claim("web", "flower")
        table = connectify(self.environ, web_port=ports["web"], flower_port=ports["flower"])
        del table["flower"]
        return table | {"beat": with_app(table["beat"], "devtools.faults.apps.often")}

    @property
    def _ports(self) -> Ports:
        return Ports(self.home / "ports.json")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.home / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("bin/faults of this clone already runs: wait for its end") from None
            self.end_processes()
            yield
