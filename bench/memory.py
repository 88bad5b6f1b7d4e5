"""How much memory each of Connectify's processes has for itself, and how much the broker takes."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from bench.benchmark import Figures
from bench.house import House
from stack import proc

LOOK_SECONDS = 1.0
MB = 1_000_000


class Memory:
    """The most that was seen, in MB: `processes` by name, the largest of its processes each, and
    `broker` by phase."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.processes: dict[str, float] = defaultdict(float)
        self.broker: dict[str, float] = defaultdict(float)

    @contextmanager
    def watched(self, phase: str) -> Iterator[None]:
        """Looks once a second for the length of the block, and at its end."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(LOOK_SECONDS):
                self._look(phase)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            self._look(phase)

    def figures(self) -> Figures:
        """All of them; and the largest process, which every other one then is below."""
        largest = max(self.processes, key=self.processes.get)
        return {
            **{f"{phase}_broker_mb": mb for phase, mb in self.broker.items()},
            **{f"{name}_mb": mb for name, mb in self.processes.items()},
            "largest_process": largest,
            "largest_process_mb": self.processes[largest],
        }

    def _look(self, phase: str) -> None:
        for name in self._house.processes.table:
            if pid := self._house.processes.pid(name):
                self.processes[name] = max(*_used(pid), self.processes[name])
        broker = sum(_used(self._house.services.rabbitmq.pid))
        self.broker[phase] = max(broker, self.broker[phase])


def _used(pid: int) -> list[float]:
    """By a process, and by each below it."""
    return [proc.unique_bytes(each) / MB for each in (pid, *proc.descendants(pid))]
