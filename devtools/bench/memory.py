"""Measures how much unshared memory each of Connectify's processes uses, and how much the broker
uses."""

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
    """Figures in MB. `processes` holds the peak of the largest process under each name. `broker`
    holds every poll of each phase, because the broker briefly uses most before Erlang collects its
    garbage."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.processes: dict[str, float] = defaultdict(float)
        self.broker: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def watched(self, phase: str) -> Iterator[None]:
        """Poll once a second while the block runs, and once at its end."""
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
        """The median over the phase's polls."""
        return median(self.broker[phase])

    def figures(self) -> Figures:
        """All figures, and the name and size of the largest process."""
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
