"""What a row's function works with: the house, the load, and the ways to break something."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from random import Random
from urllib.parse import urlsplit, urlunsplit

from devtools.faults import database
from devtools.faults.failure import Missed
from devtools.faults.house import House
from devtools.faults.load import Load
from devtools.faults.logs import count_in
from devtools.faults.proxy import Proxy
from devtools.faults.watch import Watch
from devtools.lab import interruption
from devtools.processes import Command, Processes
from devtools.servers.proc import kill, tree
from devtools.servers.server import Server

RATE = 8.0
WARM_SECONDS = 3.0
LOOK_SECONDS = 0.05


class Scene:
    """`evidence` are counts that must all be above 0; `figures` are told besides; `demands` are
    sentences that turned out false. `poison` is how many dead letters the row makes; `excepted` are
    the ids of posts that may take longer than the row's target, and `old` those of posts whose rows
    and events may have expired."""

    def __init__(self, house: House, watch: Watch, random: Random, label: str):
        self.house = house
        self.watch = watch
        self.random = random
        self.evidence: dict[str, float] = {}
        self.figures: dict[str, float | str] = {}
        self.demands: list[str] = []
        self.poison = 0
        self.reused: set[str] = set()
        self.excepted: set[int] = set()
        self.old: frozenset[int] = frozenset()
        self.load: Load | None = None
        self.load_begun_at = self.fault_began_at = self.fault_ended_at = 0.0
        self._label = label
        self._dressed: set[str] = set()
        self._closing = ExitStack()
        self._own = None

    # --- the load and the time ------------------------------------------------------------------

    def begin_load(self, rate: float = RATE, warm: float = WARM_SECONDS, **options) -> Load:
        """`options` are Load's."""
        house = self.house
        self.load = Load(house.origin, house.population, self.random, self._label, rate, **options)
        self.load_begun_at = time.monotonic()
        self.load.start()
        time.sleep(warm)
        return self.load

    @contextmanager
    def fault(self) -> Iterator[None]:
        """What is inside is the fault; with several, the time is from the first to the last."""
        self.fault_began_at = self.fault_began_at or time.monotonic()
        try:
            yield
        finally:
            self.fault_ended_at = time.monotonic()
            self.watch.fault_ended(self.fault_ended_at)

    def until(self, condition: Callable[[], object], what: str, limit: float = 30.0):
        """The first true value; raises Missed when there is none within `limit` seconds."""
        deadline = time.monotonic() + limit
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise Missed(f"not within {limit:.0f} s: {what}")
            time.sleep(LOOK_SECONDS)
        return value

    def count(self, name: str, amount: float = 1) -> None:
        """Evidence that the fault hit."""
        self.evidence[name] = self.evidence.get(name, 0) + amount

    def demand(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.demands.append(otherwise)

    # --- processes ------------------------------------------------------------------------------

    def dress(self, name: str, command: Command | None = None, **environ: str) -> None:
        """Start one process anew with these variables, or with another command line. One that is
        to die at a failpoint may do so before it is ready, and so is not waited for."""
        self._dressed.add(name)
        processes = self.house.dressed(name, command, **environ)
        with interruption.put_off():
            processes.stop()
            processes.start(name)
        if "=kill" not in environ.get("FAILPOINTS", ""):
            processes.wait_ready(name)

    def dress_all(self, environs: Mapping[str, Mapping[str, str]]) -> None:
        """dress() for many at once, each with its own variables."""
        self._dressed |= environs.keys()
        made = {name: self.house.dressed(name, **given) for name, given in environs.items()}
        with interruption.put_off(), ThreadPoolExecutor() as pool:
            list(pool.map(Processes.stop, made.values()))
            for name, processes in made.items():
                processes.start(name)
        for name, processes in made.items():
            processes.wait_ready(name)

    def add(self, name: str, command: Command, **environ: str) -> Processes:
        """One more process than the table has, until the row's end."""
        processes = self.house.dressed(name, command, **environ)
        self.at_end(processes.stop)
        with interruption.put_off():
            processes.start(name)
        processes.wait_ready(name)
        return processes

    def undress(self, *names: str) -> None:
        """Start the named ones, or all that were dressed, as they always are."""
        names = names or tuple(sorted(self._dressed))
        self._dressed -= set(names)
        with interruption.put_off(), ThreadPoolExecutor() as pool:
            list(pool.map(self.house.processes.end, names))
        if names:
            self.start(*names)

    def kill(self, name: str) -> None:
        """SIGKILL with all its children."""
        self.house.processes.kill(name)
        self.count("killed")

    def kill_parent(self, name: str) -> None:
        """SIGKILL one alone, as the kernel might; orphans that stay are ended at last."""
        # Stopped first, so that it starts no more children than are listed.
        _, *orphans = tree(self.send(name, signal.SIGSTOP))
        self.send(name, signal.SIGKILL)
        self.count("killed")
        self.at_end(lambda: kill(orphans))

    def start(self, *names: str) -> None:
        with interruption.put_off():
            self.house.processes.start(*names)
        self.house.processes.wait_ready(*names)

    def send(self, name: str, number: signal.Signals) -> int:
        """A signal to the recorded pid alone, which is returned."""
        pid = self.house.processes.pid(name)
        if pid is None:
            raise Missed(f"{name} does not run")
        os.kill(pid, number)
        return pid

    def dies(self, name: str, limit: float = 30.0) -> None:
        """Wait until a process has ended by itself."""
        self.until(lambda: self.house.processes.pid(name) is None, f"the end of {name}", limit)
        self.count("died at the failpoint")

    def logged(self, name: str, text: str) -> Callable[[], int]:
        """How often a process has logged a text since now."""
        return count_in(self.house.processes.log(name), text)

    def letters(self, queue: str) -> list[str]:
        """Why the open dead letters of a queue are there."""
        return database.letters(self._connection, queue)

    def pending(self) -> int:
        return database.pending(self._connection)

    @property
    def _connection(self):
        if self._own is None or self._own.closed:
            self._own = self.sql()
        return self._own

    # --- servers --------------------------------------------------------------------------------

    def proxy(self, variable: str) -> tuple[Proxy, str]:
        """A proxy before the server of BROKER_URL or DATABASE_URL, and the URL through it."""
        url = urlsplit(self.house.environ[variable])
        proxy = Proxy(url.port).start()
        self._closing.callback(proxy.stop)
        credentials = url.netloc.rpartition("@")[0]
        return proxy, urlunsplit(url._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}"))

    def bring_back(self, server: Server) -> None:
        """Start a server that was stopped or killed, and wait until it answers."""
        with interruption.put_off():
            server.start()
        server.wait_ready()

    def sql(self):
        """A connection of the harness's own, in autocommit mode, until the row's end."""
        connection = database.connect(self.house.database_url)
        self._closing.callback(connection.close)
        return connection

    def at_end(self, act: Callable[[], object]) -> None:
        """Done at the row's end, whatever becomes of it."""
        self._closing.callback(act)

    def tidy(self) -> None:
        """Everything runs again as it should; the drain comes next."""
        for name in self.house.table:
            pid = self.house.processes.pid(name)
            if pid:
                os.kill(pid, signal.SIGCONT)
        self.undress()
        for server in self.house.services.private:
            self.bring_back(server)
        missing = [name for name in self.house.table if not self.house.processes.pid(name)]
        if missing:
            self.start(*missing)

    def close(self) -> None:
        self._closing.close()
