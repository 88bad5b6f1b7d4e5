"""What the three private servers have in common: a home, ports, a recorded process, a log."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from devtools.servers.ports import Ports
from devtools.servers.probe import Unreachable
from devtools.servers.process import Process, ServerFailure

# What a server inherits from the caller's environment; PGPORT, RABBITMQ_NODENAME and their like
# would make it another server than the one asked for.
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
        """Start it unless it runs; return at once. The data is created on the first start."""
        if self.running:
            return
        self.home.mkdir(parents=True, exist_ok=True)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._launch()

    def wait_ready(self) -> None:
        """Return once it serves clients; ServerFailure with the log's end if it does not."""
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

    def probe(self) -> None:
        """Raise Unreachable unless the server answers in its own protocol."""
        raise NotImplementedError

    def stop(self) -> bool:
        """Shut it down in order; False if it had to be killed. Nothing happens if it is down."""
        return self.process.terminate(self.stop_signal, self.stop_limit)

    def kill(self) -> None:
        """SIGKILL it and its processes, as a crash would; the data stays for the next start."""
        self.process.kill()

    def _launch(self) -> None:
        raise NotImplementedError

    def _failed(self, what: str) -> ServerFailure:
        """What happened, the end of what this start wrote into the log, and what to do."""
        with self.log.open("rb") as file:
            file.seek(min(self._log_start, self.log.stat().st_size))
            lines = file.read().decode(errors="replace").splitlines()
        end = "\n".join(f"  {line}" for line in lines[-15:])
        return ServerFailure(
            f"{self.label} {what}; the end of {self.log}:\n{end}\n"
            "Mend what it says, then: bin/services down; bin/services up"
        )
