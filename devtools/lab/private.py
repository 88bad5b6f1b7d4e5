"""An environment with servers of its own, which a run may stop, kill and fill."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from amqp.exceptions import NotFound
from kombu import Connection

from devtools.lab import interruption
from devtools.lab.environment import STATE, Environment, ignore
from devtools.processes import QUEUES
from devtools.servers import databases
from devtools.servers.lifecycle import Say
from devtools.servers.rabbitmq_releases import VARIABLE
from devtools.servers.services import Services

# Only this is kept of the caller's environment, because it may hold addresses of other servers.
KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", VARIABLE)


class PrivateEnvironment(Environment):
    def __init__(self, name: str, *, rabbitmq: str = "", **settings: str) -> None:
        """`rabbitmq` names its version, as `bin/services up --rabbitmq` does. `settings` are
        variables that Connectify's processes run with."""
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        unpacked = STATE / "rabbitmq-dist"
        super().__init__(name, Services(STATE / name, own, rabbitmq=rabbitmq, unpacked=unpacked))
        # A developer's disk may be fuller than a server's.
        self._settings = {**own, "OVERLOAD_FREE_DISK": "0.01", **settings}

    @contextmanager
    def open(self, say: Say = ignore) -> Iterator[Self]:
        """Start servers with a new database and an empty broker, without Connectify's processes.
        Raises Refused and ServerFailure."""
        with self.exclusive():
            try:
                say("starting PostgreSQL, RabbitMQ and Valkey")
                self.renew()
                yield self
            finally:
                with interruption.put_off():
                    self.end_processes()
                    self.services.down(ignore)

    def renew(self) -> None:
        """Make all of that anew."""
        self.end_processes()
        # Neither messages nor rows of an earlier run may remain.
        self.services.brokers.wipe()
        self.services.postgres.kill()
        shutil.rmtree(self.services.postgres.home / "data", ignore_errors=True)
        with interruption.put_off():
            self.services.up(ignore)
        url = databases.make(self.services.postgres.url, f"connectify_{self.name}")
        servers = {**self.services.environment(), "DATABASE_URL": url, "DATABASE_DIRECT_URL": url}
        self.prepare({**servers, **self._settings})

    def empty_queues(self) -> None:
        """Remove every message from the broker. No process of Connectify may run meanwhile."""
        with Connection(self.environ["BROKER_URL"]) as broker:
            for name in QUEUES:
                # Before the first run the queue does not exist; the error closes the channel.
                with suppress(NotFound), broker.channel() as channel:
                    channel.queue_purge(name)
