"""bin/demo --chaos: kill two workers, the relay and the broker while posts are written.

Each is killed by SIGKILL with all its children, and started again, while posts keep arriving. The
run must still end with nothing missing and nothing doubled.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from devtools.lab.attempts import Attempts
from devtools.lab.progress import Progress
from devtools.processes import Supervisor
from devtools.servers.server import Server

# Each process is killed when this share of the posts has been answered; the broker comes last.
PROCESSES = {"timelines-high-worker": 0.15, "notifications-high-worker": 0.3, "relay": 0.45}
BROKER_AT = 0.6
DOWN_SECONDS = 2.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Chaos:
    """Kills some of the `processes`, and the `broker`."""

    processes: Supervisor
    broker: Server
    progress: Progress

    async def wreak(self, attempts: Attempts, posts: int) -> None:
        """Kill each in turn, while `posts` posts are being sent."""
        for name, share in PROCESSES.items():
            await self._until(attempts, share * posts)
            await self._strike(
                name,
                lambda name=name: self.processes.kill(name),
                lambda name=name: self.processes.restart(name),
            )
        await self._until(attempts, BROKER_AT * posts)
        await self._strike(self.broker.label, self.broker.kill, self._restart_broker)

    async def _until(self, attempts: Attempts, answered: float) -> None:
        while attempts.answered < answered:
            await asyncio.sleep(POLL_SECONDS)

    async def _strike(
        self, name: str, kill: Callable[[], None], restart: Callable[[], None]
    ) -> None:
        self.progress.stage(f"SIGKILL: {name}")
        await asyncio.to_thread(kill)
        await asyncio.sleep(DOWN_SECONDS)
        await asyncio.to_thread(restart)
        self.progress.stage(f"{name} runs again")

    def _restart_broker(self) -> None:
        self.broker.start()
        self.broker.wait_ready()
