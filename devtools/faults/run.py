"""What a scenario works with: the environment, the load, and functions that break something."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from random import Random
from urllib.parse import urlsplit, urlunsplit

from devtools.faults.environment import FaultsEnvironment
from devtools.faults.failure import Missed
from devtools.faults.final_state import letters
from devtools.faults.load import FaultsLoad
from devtools.faults.logs import count_in
from devtools.faults.proxy import Proxy
from devtools.faults.watch import Watch
from devtools.lab import interruption, records
from devtools.processes import Command, Supervisor
from devtools.servers.proc import kill, tree
from devtools.servers.server import Server

RATE = 8.0
WARM_SECONDS = 3.0
POLL_SECONDS = 0.05


class Run:
    """`evidence` holds counts that must all be above 0; `figures` are only shown; `demands`
    describe expectations that were not met. `poison` is the number of dead letters that the
    scenario causes. `excepted` are ids of posts that may miss the target, and `old` ids of posts
    whose rows and events may have expired."""

    def __init__(self, environment: FaultsEnvironment, watch: Watch, random: Random, label: str):
        self.environment = environment
        self.people = environment.people
        self.broker = environment.broker
        self.processes = environment.processes
        self.table = environment.table
        self.postgres = environment.services.postgres
        self.rabbitmq = environment.services.rabbitmq
        self.valkey = environment.services.valkey
        self.watch = watch
        self.random = random
        self.evidence: dict[str, float] = {}
        self.figures: dict[str, float | str] = {}
        self.demands: list[str] = []
        self.poison = 0
        self.reused: set[str] = set()
        self.excepted: set[int] = set()
        self.old: frozenset[int] = frozenset()
        self.load: FaultsLoad | None = None
        self.load_begun_at = self.fault_began_at = self.fault_ended_at = 0.0
        self._label = label
        self._changed: set[str] = set()
        self._closing = ExitStack()
        self._own = None

    # --- the load and the time ------------------------------------------------------------------

    def begin_load(self, rate: float = RATE, warm: float = WARM_SECONDS, **options) -> FaultsLoad:
        """Start the load; `options` are those of FaultsLoad."""
        self.load = FaultsLoad(
            self.environment.origin, self.people, self.random, self._label, rate, **options
        )
        self.load_begun_at = time.monotonic()
        self.load.start()
        time.sleep(warm)
        return self.load

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Mark the block as the fault. With several blocks, the fault lasts from the first to the
        last."""
        self.fault_began_at = self.fault_began_at or time.monotonic()
        try:
            yield
        finally:
            self.fault_ended_at = time.monotonic()
            self.watch.fault_ended(self.fault_ended_at)

    def until(self, condition: Callable[[], object], what: str, limit: float = 30.0):
        """Wait for a true value and return it; raises Missed after `limit` seconds."""
        deadline = time.monotonic() + limit
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise Missed(f"not within {limit:.0f} s: {what}")
            time.sleep(POLL_SECONDS)
        return value

    def count(self, name: str, amount: float = 1) -> None:
        """Add to the evidence that the fault happened."""
        self.evidence[name] = self.evidence.get(name, 0) + amount

    def demand(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.demands.append(otherwise)

    # --- processes ------------------------------------------------------------------------------

    def restart(self, name: str, command: Command | None = None, **environ: str) -> None:
        """Restart one process with these variables, or with another command line. A process that is
        to die at a failpoint is not waited for, because it may die before it is ready."""
        self.restart_all(
            {name: environ}, command, wait="=kill" not in environ.get("FAILPOINTS", "")
        )

    def restart_all(
        self,
        environs: Mapping[str, Mapping[str, str]],
        command: Command | None = None,
        *,
        wait: bool = True,
    ) -> None:
        """restart() for several processes at once, each with its own variables."""
        self._changed |= environs.keys()
        made = {n: self.environment.variant(n, command, **given) for n, given in environs.items()}
        with interruption.put_off(), ThreadPoolExecutor() as pool:
            list(pool.map(Supervisor.stop, made.values()))
            for name, processes in made.items():
                processes.start(name)
        for name, processes in made.items() if wait else ():
            processes.wait_ready(name)

    def add(self, name: str, command: Command, **environ: str) -> Supervisor:
        """Run an additional process until the run's end."""
        processes = self.environment.variant(name, command, **environ)
        self.at_end(processes.stop)
        with interruption.put_off():
            processes.start(name)
        processes.wait_ready(name)
        return processes

    def restore(self, *names: str) -> None:
        """Restart the named processes, or all changed ones, with their usual command and
        variables."""
        names = names or tuple(sorted(self._changed))
        self._changed -= set(names)
        with interruption.put_off(), ThreadPoolExecutor() as pool:
            list(pool.map(self.processes.end, names))
        if names:
            self.start(*names)

    def kill(self, name: str) -> None:
        """SIGKILL a process with all its children."""
        self.processes.kill(name)
        self.count("killed")

    def kill_parent(self, name: str) -> None:
        """SIGKILL a process alone, as the kernel might. Orphans that remain are killed at the run's
        end."""
        # Stop it first, so that it starts no children after they were listed.
        _, *orphans = tree(self.send(name, signal.SIGSTOP))
        self.send(name, signal.SIGKILL)
        self.count("killed")
        self.at_end(lambda: kill(orphans))

    def start(self, *names: str) -> None:
        with interruption.put_off():
            self.processes.start(*names)
        self.processes.wait_ready(*names)

    def send(self, name: str, number: signal.Signals) -> int:
        """Send a signal to the recorded pid alone; return the pid."""
        pid = self.processes.pid(name)
        if pid is None:
            raise Missed(f"{name} does not run")
        os.kill(pid, number)
        return pid

    def dies(self, name: str, limit: float = 30.0) -> None:
        """Wait until a process has ended by itself."""
        self.until(lambda: self.processes.pid(name) is None, f"the end of {name}", limit)
        self.count("died at the failpoint")

    def logged(self, name: str, text: str) -> Callable[[], int]:
        """Return a function that counts how often the process has logged `text` since this call."""
        return count_in(self.processes.log(name), text)

    def letters(self, queue: str) -> list[str]:
        """The reasons of a queue's open dead letters."""
        return letters(self._connection, queue)

    def pending(self) -> int:
        return records.pending(self._connection)

    @property
    def _connection(self):
        if self._own is None or self._own.closed:
            self._own = self.connect()
        return self._own

    # --- servers --------------------------------------------------------------------------------

    def proxy(self, variable: str) -> tuple[Proxy, str]:
        """Start a proxy in front of the server of BROKER_URL or DATABASE_URL; return it and the URL
        through it."""
        url = urlsplit(self.environment.environ[variable])
        proxy = Proxy(url.port).start()
        self._closing.callback(proxy.stop)
        credentials = url.netloc.rpartition("@")[0]
        return proxy, urlunsplit(url._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}"))

    def bring_back(self, server: Server) -> None:
        """Start a server that was stopped or killed, and wait until it answers."""
        with interruption.put_off():
            server.start()
        server.wait_ready()

    def connect(self):
        """A connection for the harness, in autocommit mode, until the run's end."""
        connection = self.environment.connect()
        self._closing.callback(connection.close)
        return connection

    def at_end(self, act: Callable[[], object]) -> None:
        """Call `act` at the run's end, even after an error."""
        self._closing.callback(act)

    def restore_everything(self) -> None:
        """Bring all processes and servers back to their usual state, before the drain."""
        for name in self.table:
            pid = self.processes.pid(name)
            if pid:
                os.kill(pid, signal.SIGCONT)
        self.restore()
        for server in self.environment.services.private:
            self.bring_back(server)
        missing = [name for name in self.table if not self.processes.pid(name)]
        if missing:
            self.start(*missing)

    def close(self) -> None:
        self._closing.close()
