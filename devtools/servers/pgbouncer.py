"""A private PgBouncer in transaction mode (Debian's package), to test Connectify behind one."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from devtools.servers import probe
from devtools.servers.ports import Ports
from devtools.servers.privileges import give_to_nobody, unprivileged
from devtools.servers.process import ServerFailure
from devtools.servers.server import Server

ALIAS = "pooled"
PLACES = "/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin"


def binary() -> Path | None:
    found = shutil.which("pgbouncer", path=PLACES)
    return Path(found) if found else None


class PgBouncer(Server):
    label = "PgBouncer"
    port_name = "pgbouncer"

    def __init__(
        self, home: Path, ports: Ports, environ: Mapping[str, str], database_url: str
    ) -> None:
        """database_url: the database behind it; the same user and password log in to PgBouncer."""
        super().__init__(home, ports, urlsplit(database_url).password or "", environ)
        self._behind = urlsplit(database_url)

    @property
    def url(self) -> str:
        """The database through the pooler, under the pooler's own name for it."""
        account, _, _ = self._behind.netloc.rpartition("@")
        pooled = self._behind._replace(netloc=f"{account}@{self.address}", path=f"/{ALIAS}")
        return urlunsplit(pooled)

    def probe(self) -> str:
        return probe.postgres(self.url)

    def _launch(self) -> None:
        found = binary()
        if found is None:
            raise ServerFailure("there is no PgBouncer: apt-get install pgbouncer")
        self.ports.claim(self.port_name)
        users, configuration = self.home / "users", self.home / "pgbouncer.ini"
        for file in (users, configuration):
            file.touch(mode=0o600)
        users.write_text(f'"{self._behind.username}" "{self.password}"\n')
        configuration.write_text(
            "[databases]\n"
            f"{ALIAS} = host={self._behind.hostname} port={self._behind.port}"
            f" dbname={self._behind.path.removeprefix('/')}\n"
            "[pgbouncer]\n"
            "listen_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\n"
            "unix_socket_dir =\n"
            "auth_type = scram-sha-256\n"
            f"auth_file = {users}\n"
            "pool_mode = transaction\n"
            # Fewer than there are clients, so that they share connections.
            "default_pool_size = 8\n"
            "max_client_conn = 200\n"
            "ignore_startup_parameters = extra_float_digits,options\n"
        )
        give_to_nobody(self.home, users, configuration)
        self.process.spawn(
            [*unprivileged(found, self.home), found, configuration],
            log=self.log,
            cwd=self.home,
            environ=self.environ,
        )
