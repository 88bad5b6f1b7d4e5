"""How much memory each of Connectify's processes has for itself, and how much the broker takes."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from devtools.bench.benchmark import Figures
from devtools.lab.environment import Environment
from devtools.servers import proc

POLL_SECONDS = 1.0
MB = 1_000_000


class Memory:
    """In MB: `processes` by name, the most that was seen of the largest process each, and `broker`
    by phase, at each poll: it has the most for a moment, before Erlang collects its garbage."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.processes: dict[str, float] = defaultdict(float)
        self.broker: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def watched(self, phase: str) -> Iterator[None]:
        """Polls once a second for the length of the block, and at its end."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(POLL_SECONDS):
                self._poll(phase)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            self._poll(phase)

    def broker_mb(self, phase: str) -> float:
        """What the broker had in half of the phase's polls, and no more."""
        return median(self.broker[phase])

    def figures(self) -> Figures:
        """All of them; and the largest process, which every other one then is below."""
        largest = max(self.processes, key=self.processes.get)
        return {
            **{f"{phase}_broker_mb": self.broker_mb(phase) for phase in self.broker},
            **{f"{phase}_broker_most_mb": max(found) for phase, found in self.broker.items()},
            **{f"{name}_mb": mb for name, mb in self.processes.items()},
            "largest_process": largest,
            "largest_process_mb": self.processes[largest],
        }

    def _poll(self, phase: str) -> None:
        for name in self._environment.processes.table:
            if pid := self._environment.processes.pid(name):
                largest = max(proc.unique_bytes(pid), default=0.0) / MB
                self.processes[name] = max(largest, self.processes[name])
        self.broker[phase].append(
            sum(proc.unique_bytes(self._environment.services.rabbitmq.pid)) / MB
        )
