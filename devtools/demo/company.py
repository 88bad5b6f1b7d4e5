"""The processes of a run: Connectify's own, and a push service beside them."""

import fcntl
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devtools.demo.devices import application_server_key
from devtools.demo.failure import Refused
from devtools.lab import interruption
from devtools.lab.progress import Progress
from devtools.processes import Command, Processes, Tier, connectify
from devtools.processes.readiness import written
from devtools.servers.ports import Ports
from devtools.servers.process import Process

STOP_LIMIT = 10.0


@contextmanager
def alone(home: Path, progress: Progress) -> Iterator[None]:
    """One run at a time has `home`; raises Refused where another one has it. What a run that was
    killed has left running is stopped first."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("a demo of this clone already runs: wait for its end") from None
        for record in sorted((home / "run").glob("*")):
            if Process(record).pid:
                progress.stage(f"stopping {record.name}, which a killed run has left")
            Process(record).terminate(signal.SIGTERM, STOP_LIMIT)
        yield


class Company:
    """Every process of a run, their state and logs below `home`."""

    def __init__(self, root: Path, home: Path, environ: Mapping[str, str]) -> None:
        self._port_file = home / "push-service.port"
        self._port_file.unlink(missing_ok=True)
        shutil.rmtree(home / "log", ignore_errors=True)
        ports = Ports(home / "ports.json")
        ports.claim("web", "flower")
        self.origin = f"http://127.0.0.1:{ports['web']}"
        self.flower = f"http://127.0.0.1:{ports['flower']}"
        own = connectify(environ, web_port=ports["web"], flower_port=ports["flower"])
        key = application_server_key(environ["VAPID_PRIVATE_KEY"])
        service = ("-m", "devtools.push_service", "--port-file", str(self._port_file))
        push_service = Command(
            (*service, "--application-server-key", key), Tier.OUTSIDE, written(self._port_file)
        )
        self.processes = Processes(
            own | {"push-service": push_service}, root=root, home=home, environ=environ
        )

    @property
    def push_origin(self) -> str:
        return f"http://127.0.0.1:{self._port_file.read_text().strip()}"

    @contextmanager
    def running(self, progress: Progress) -> Iterator[None]:
        """Raises ServerFailure where one does not start."""
        try:
            with interruption.put_off():
                self.processes.start()
            self.processes.wait_ready()
            progress.stage(f"{len(self.processes.table)} processes ready, web at {self.origin}")
            yield
        finally:
            with interruption.put_off():
                killed = self.processes.stop()
            progress.stage(" ".join(["processes stopped", *(f"({k} killed)" for k in killed)]))
