"""Whether the three servers, private or external, can be reached, and what to do if one cannot."""

from collections.abc import Callable
from dataclasses import dataclass

from devtools.servers import probe
from devtools.servers.probe import Unreachable
from devtools.servers.server import Server

# For each variable, the probe of its server and the standard port.
EXTERNAL: dict[str, tuple[Callable[[str], str], int]] = {
    "DATABASE_URL": (probe.postgres, 5432),
    "BROKER_URL": (probe.rabbitmq, 5672),
    "REDIS_URL": (probe.valkey, 6379),
}


@dataclass(frozen=True)
class ServerStatus:
    label: str
    state: str  # running, stopped or external
    address: str = ""
    pid: int | None = None
    problem: str = ""  # why it cannot be reached and what to do; empty if it answers
    version: str = ""  # as it says itself

    @property
    def reachable(self) -> bool:
        return not self.problem

    def __str__(self) -> str:
        pid = f"pid {self.pid}" if self.pid else ""
        words = (f"{self.label:<11}", self.version, self.state, self.address, pid)
        facts = " ".join(filter(None, words))
        return f"{facts}: {self.problem}" if self.problem else facts


def of_private(server: Server) -> ServerStatus:
    pid = server.pid
    if pid is None:
        return ServerStatus(server.label, "stopped", problem="run bin/services up")
    version = problem = ""
    try:
        version = server.probe()
    except Unreachable as error:
        problem = f"does not answer ({error}): see {server.log}, or bin/services down and up"
    return ServerStatus(server.label, "running", server.address, pid, problem, version)


def of_external(label: str, variable: str, url: str) -> ServerStatus:
    """Probe the server that an environment variable names. Its password is not shown."""
    ask, default_port = EXTERNAL[variable]
    try:
        where = probe.address(url.split(";")[0], default_port)
        address = where if isinstance(where, str) else f"{where[0]}:{where[1]}"
    except ValueError as error:
        return ServerStatus(label, "external", problem=f"{variable} is not a URL ({error})")
    version = problem = ""
    try:
        version = ask(url)
    except Unreachable as error:
        problem = f"cannot be reached ({error}): start it, or correct or unset {variable}"
    return ServerStatus(label, "external", address, problem=problem, version=version)
