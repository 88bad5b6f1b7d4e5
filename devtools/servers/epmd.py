"""Erlang's port mapper, with which RabbitMQ's nodes and rabbitmqctl find each other.

Every clone has its own, so that nodes with the same name do not clash. Erlang's default is a daemon
that the first node starts and nobody can end safely.
"""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGTERM

from devtools.servers.ports import Ports, is_free
from devtools.servers.process import Process, ServerFailure


class Epmd:
    def __init__(self, home: Path, ports: Ports, environ: Mapping[str, str]) -> None:
        self.ports = ports
        self.environ = environ
        self.log = home / "epmd.log"
        self.process = Process(home / "epmd.process")

    @property
    def port(self) -> int:
        return self.ports["epmd"]

    def start(self, installation: Mapping[str, str]) -> None:
        """Start it unless it runs. installation: the variables that tell where Erlang is."""
        if self.process.pid:
            return
        self.ports.claim("epmd")
        binary = shutil.which("epmd", path=installation["PATH"])
        if binary is None:
            raise ServerFailure("Erlang's epmd is not in PATH: reinstall Erlang, or set BROKER_URL")
        # In /, because it needs no directory and must not keep one busy.
        self.process.spawn(
            [binary, "-address", "127.0.0.1", "-port", str(self.port)],
            log=self.log,
            cwd=Path("/"),
            environ={**self.environ, **installation},
        )
        self._wait_listening(limit=10)

    def stop(self) -> None:
        self.process.terminate(SIGTERM, limit=5)

    def _wait_listening(self, limit: float) -> None:
        deadline = time.monotonic() + limit
        while is_free(self.port):
            if time.monotonic() > deadline or not self.process.pid:
                raise ServerFailure(f"Erlang's epmd does not start; see {self.log}")
            time.sleep(0.02)
