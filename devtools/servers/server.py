"""The base of the private servers: a home, ports, a recorded process, a log."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from devtools.servers.ports import Ports
from devtools.servers.probe import Unreachable
from devtools.servers.process import Process, ServerFailure

# All that a server inherits from the caller's environment. PGPORT, RABBITMQ_NODENAME and the like
# would change it.
INHERITED = ("PATH", "TMPDIR", "USER", "LOGNAME")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Server:
    """A private server on 127.0.0.1 whose data, log and pid live under home."""

    label: ClassVar[str]
    port_name: ClassVar[str]
    start_limit: ClassVar[float] = 60.0  # seconds
    stop_limit: ClassVar[float] = 30.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, home: Path, ports: Ports, password: str, environ: Mapping[str, str]) -> None:
        self.home = home
        self.ports = ports
        self.password = password
        self.environ = {name: environ[name] for name in INHERITED if name in environ}
        self.environ.setdefault("PATH", DEFAULT_PATH)
        self.environ |= {"HOME": str(home), "LC_ALL": "C.UTF-8"}
        self.log = home / "log"
        self.process = Process(home / "process")
        self._log_start = 0

    @property
    def port(self) -> int:
        return self.ports[self.port_name]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The URL that clients use, with user and password."""
        raise NotImplementedError

    @property
    def pid(self) -> int | None:
        """The server's pid; None while it is not running."""
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start(self) -> None:
        """Start it unless it runs; return at once. The first start creates the data."""
        if self.running:
            return
        self.home.mkdir(parents=True, exist_ok=True)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._launch()

    def wait_ready(self) -> str:
        """Return its version once it serves clients; ServerFailure with the log's end otherwise."""
        deadline = time.monotonic() + self.start_limit
        while True:
            try:
                return self.probe()
            except Unreachable as problem:
                if not self.running:
                    raise self._failed("ended while it started") from problem
                if time.monotonic() > deadline:
                    waited = f"does not answer after {self.start_limit:.0f} s ({problem})"
                    raise self._failed(waited) from problem
            time.sleep(0.05)

    def probe(self) -> str:
        """The version of the server, which answers in its own protocol; else raise Unreachable."""
        raise NotImplementedError

    def stop(self) -> bool:
        """Shut it down in order; return False if it had to be killed. Does nothing if it is not
        running."""
        return self.process.terminate(self.stop_signal, self.stop_limit)

    def kill(self) -> None:
        """SIGKILL it and its processes, as a crash would; the data stays."""
        self.process.kill()

    def _launch(self) -> None:
        raise NotImplementedError

    def _failed(self, what: str) -> ServerFailure:
        """A failure with the end of this start's log and advice."""
        with self.log.open("rb") as file:
            file.seek(min(self._log_start, self.log.stat().st_size))
            lines = file.read().decode(errors="replace").splitlines()
        end = "\n".join(f"  {line}" for line in lines[-15:])
        return ServerFailure(
            f"{self.label} {what}; the end of {self.log}:\n{end}\n"
            "Fix the problem, then run: bin/services down; bin/services up"
        )
