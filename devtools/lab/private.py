"""An environment whose servers serve nothing else: a run may stop, kill and fill them."""

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
from devtools.servers.services import Services

# Of the caller's environment only this is kept: addresses of other servers would lead astray.
KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")


class PrivateEnvironment(Environment):
    def __init__(self, name: str, **settings: str) -> None:
        """`settings` are variables that Connectify's processes run with."""
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        super().__init__(name, Services(STATE / name, own, unpacked=STATE / "rabbitmq-dist"))
        # A developer's disk may be fuller than a server's.
        self._settings = {**own, "OVERLOAD_FREE_DISK": "0.01", **settings}

    @contextmanager
    def open(self, say: Say = ignore) -> Iterator[Self]:
        """Servers with a new database, an empty broker, and no process of Connectify yet. Raises
        Refused and ServerFailure."""
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
        # No message of an earlier run may be in the broker, and no old row in the tables.
        for server in (self.services.rabbitmq, self.services.postgres):
            server.kill()
            shutil.rmtree(server.home / "data", ignore_errors=True)
        with interruption.put_off():
            self.services.up(ignore)
        url = databases.make(self.services.postgres.url, f"connectify_{self.name}")
        servers = {**self.services.environment(), "DATABASE_URL": url, "DATABASE_DIRECT_URL": url}
        self.prepare({**servers, **self._settings})

    def empty_queues(self) -> None:
        """Take every message out of the broker; no process of Connectify may run."""
        with Connection(self.environ["BROKER_URL"]) as broker:
            for name in QUEUES:
                # Before the first run there is none; a refusal closes its channel.
                with suppress(NotFound), broker.channel() as channel:
                    channel.queue_purge(name)
