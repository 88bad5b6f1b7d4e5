"""bin/services: start, stop and show this clone's private PostgreSQL, RabbitMQ and Valkey.

A URL in the environment (DATABASE_URL, BROKER_URL, REDIS_URL) replaces the private server.
CONNECTIFY_RABBITMQ chooses RabbitMQ's version as --rabbitmq does; without either the version that
runs goes on, and by default the machine's own is started, or the newest that can be downloaded.
"""

import argparse
import fcntl
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devtools.servers import credentials, status
from devtools.servers.brokers import Brokers
from devtools.servers.environment import set_by_operator, variables
from devtools.servers.lifecycle import Say, bring_down, bring_up, side_by_side
from devtools.servers.ports import Ports
from devtools.servers.postgres import Postgres
from devtools.servers.process import ServerFailure
from devtools.servers.rabbitmq import RabbitMQ
from devtools.servers.rabbitmq_releases import NAMES, VARIABLE, Releases
from devtools.servers.server import Server
from devtools.servers.status import ServerStatus
from devtools.servers.valkey import Valkey


class Services:
    """The servers of the clone at `root`; they keep everything in its .services directory."""

    def __init__(
        self,
        root: Path,
        environ: Mapping[str, str] = os.environ,
        *,
        rabbitmq: str = "",
        unpacked: Path | None = None,
    ) -> None:
        """rabbitmq: a series such as "4.3", or "machine", else what the environment says.
        unpacked: where downloaded RabbitMQs are, or will be, to share them between roots."""
        self.environ = environ
        self.state = root / ".services"
        self.state.mkdir(parents=True, exist_ok=True)
        self._refuse_other_users()
        self.ports = Ports(self.state / "ports.json")
        self.secrets = credentials.load(self.state / "credentials.json")
        self.postgres = Postgres(
            self.state / "postgresql", self.ports, self.secrets["postgres"], environ
        )
        self.valkey = Valkey(self.state / "valkey", self.ports, self.secrets["valkey"], environ)
        self._asked = rabbitmq or environ.get(VARIABLE, "")
        releases = Releases(unpacked or self.state / "rabbitmq-dist")
        self.brokers = Brokers(self.state, self.ports, self.secrets, environ, releases)
        self.rabbitmq = self.brokers.current(self._asked)

    @property
    def by_variable(self) -> dict[str, Server]:
        """The private servers by the variable whose URL replaces each."""
        return {
            "DATABASE_URL": self.postgres,
            "BROKER_URL": self.rabbitmq,
            "REDIS_URL": self.valkey,
        }

    @property
    def private(self) -> list[Server]:
        """The servers that no URL in the environment replaces."""
        return [s for variable, s in self.by_variable.items() if not self.external(variable)]

    @property
    def _other_brokers(self) -> list[RabbitMQ]:
        recorded = self.brokers.recorded()
        return [broker for broker in recorded if broker.home != self.rabbitmq.home]

    def external(self, variable: str) -> str | None:
        """The URL that the operator set; None if bin/services env printed it earlier."""
        return set_by_operator(self.environ, variable, self.secrets.values())

    def up(self, say: Say = print) -> None:
        """Start the servers that do not run, all at once, and return when all of them answer."""
        with self._alone():
            for variable, server in self.by_variable.items():
                if self.external(variable):
                    say(f"{server.label} is not started: {variable} is set")
            if self.rabbitmq in self.private:
                self.rabbitmq = self.brokers.installed(self._asked, say)
                # It gets the same ports.
                side_by_side(self._other_brokers, bring_down, lambda line: line and say(line))
            side_by_side(self.private, bring_up, say)

    def down(self, say: Say = print) -> None:
        """Stop every private server that runs, whatever the environment says."""
        with self._alone():
            # Servers that are not running are stopped too, because epmd may have outlived RabbitMQ.
            lines: list[str] = []
            servers = [*self.by_variable.values(), *self._other_brokers]
            side_by_side(servers, bring_down, lines.append)
            for line in filter(None, lines):
                say(line)
            if not any(lines):
                say("nothing was running")

    def status(self) -> list[ServerStatus]:
        """The status of each server, after a real connection to it."""
        found = []
        for variable, server in self.by_variable.items():
            url = self.external(variable)
            if url:
                found.append(status.of_external(server.label, variable, url))
            else:
                found.append(status.of_private(server))
        return found

    def environment(self) -> dict[str, str]:
        """The variables that tell Connectify where the servers are. Those already set are kept."""
        urls = {name: self.external(name) or s.url for name, s in self.by_variable.items()}
        management_url = self.rabbitmq.management_url if self.rabbitmq in self.private else None
        return variables(self.environ, urls, management_url, self.secrets)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one bin/services at a time may change what runs in this clone."""
        with (self.state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _refuse_other_users(self) -> None:
        owner = self.state.stat().st_uid
        if owner != os.geteuid():
            raise ServerFailure(
                f"{self.state} belongs to another user (uid {owner}): run bin/services as that"
                " user, or stop the servers as that user and delete the directory"
            )


def _print_status(services: Services) -> int:
    found = services.status()
    for entry in found:
        print(entry)
    return 0 if all(entry.reachable for entry in found) else 1


def _print_environment(services: Services) -> int:
    stopped = [server.label for server in services.private if not server.running]
    if stopped:
        raise ServerFailure(f"{', '.join(stopped)} not running: run bin/services up")
    for name, value in services.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bin/services", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what does not run")
    up.add_argument("--rabbitmq", choices=NAMES, default="", help="the version of RabbitMQ")
    commands.add_parser("down", help="stop everything")
    commands.add_parser("status", help="what runs, and which version")
    commands.add_parser("env", help='variables for your shell: eval "$(bin/services env)"')
    given = parser.parse_args(arguments)
    command = given.command
    try:
        asked = given.rabbitmq if command == "up" else ""
        services = Services(Path(__file__).resolve().parents[2], rabbitmq=asked)
        if command == "status":
            return _print_status(services)
        if command == "env":
            return _print_environment(services)
        {"up": services.up, "down": services.down}[command]()
    except ServerFailure as failure:
        print(f"bin/services: {failure}", file=sys.stderr)
        return failure.exit_code
    except OSError as error:
        print(f"bin/services: {error}; fix that and try again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
