"""The private RabbitMQs of one clone: each version has a directory of its own, so that none reads
another's data. One of them runs at a time, on the clone's ports."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from devtools.servers.ports import Ports
from devtools.servers.rabbitmq import RabbitMQ
from devtools.servers.rabbitmq_releases import Releases

PREFIX = "rabbitmq-"


class Brokers:
    def __init__(
        self,
        state: Path,
        ports: Ports,
        secrets: Mapping[str, str],
        environ: Mapping[str, str],
        releases: Releases,
    ) -> None:
        self.state = state
        self.ports = ports
        self.secrets = secrets
        self.environ = environ
        self.releases = releases

    @staticmethod
    def series(broker: RabbitMQ) -> str:
        """Such as "4.3"."""
        return broker.home.name.removeprefix(PREFIX)

    def current(self, name: str) -> RabbitMQ:
        """The version of that name; without one, what runs, or else what would be started."""
        running = self._running()
        if not name and running:
            return running[0]
        return self._of(f"{PREFIX}{self.releases.expected(name)}")

    def installed(self, name: str, say: Callable[[str], None]) -> RabbitMQ:
        """The same, downloaded where it has to be. Raises BrokerMissing."""
        running = self._running()
        if not name and running:
            return running[0]
        return self._of(f"{PREFIX}{self.releases.install(name, self.environ, say)}")

    def recorded(self) -> list[RabbitMQ]:
        """All that were started and not stopped. Earlier versions of this program have named no
        version in the directory."""
        found = {path.parent for path in self.state.glob("rabbitmq*/*process")}
        return [self._of(home.name) for home in sorted(found)]

    def wipe(self) -> None:
        """Kill what runs, and delete the data of every version."""
        for broker in self.recorded():
            broker.kill()
        for data in self.state.glob("rabbitmq*/data"):
            shutil.rmtree(data, ignore_errors=True)

    def _running(self) -> list[RabbitMQ]:
        recorded = [broker for broker in self.recorded() if broker.home.name.startswith(PREFIX)]
        return [broker for broker in recorded if broker.running]

    def _of(self, directory: str) -> RabbitMQ:
        return RabbitMQ(
            self.state / directory,
            self.ports,
            self.secrets["rabbitmq"],
            self.environ,
            cookie=self.secrets["erlang_cookie"],
            installation=self.releases.installation(directory.removeprefix(PREFIX)),
        )
