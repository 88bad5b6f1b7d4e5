"""How much memory each of Connectify's processes has for itself, and how much the broker takes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.house import House
from stack import proc

LOOK_SECONDS = 1.0
MB = 1_000_000


class Memory:
    """The most that was seen between start and end, in MB: `processes` by name, the largest of its
    processes each, and `broker`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.processes: dict[str, float] = {}
        self.broker = 0.0

    def look(self) -> None:
        for name in self._house.processes.table:
            if pid := self._house.processes.pid(name):
                used = max(map(proc.unique_bytes, (pid, *proc.descendants(pid)))) / MB
                self.processes[name] = max(used, self.processes.get(name, 0.0))
        server = self._house.services.rabbitmq.pid
        used = sum(map(proc.unique_bytes, (server, *proc.descendants(server)))) / MB
        self.broker = max(used, self.broker)


@contextmanager
def watched(house: House) -> Iterator[Memory]:
    """Looks once a second for the length of the block."""
    memory, ended = Memory(house), threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            memory.look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        ended.set()
        watcher.join()
        memory.look()
