"""The environment that scenarios break: small slices and partitions, and a beat in a hurry."""

import time

from devtools.faults import people
from devtools.faults.broker import Broker
from devtools.faults.commands import with_app
from devtools.faults.people import People
from devtools.lab import interruption
from devtools.lab.private import PrivateEnvironment
from devtools.processes import Command, Supervisor

# RabbitMQ 3.10.8 loses the confirmed messages of a quorum queue that is killed just after it was
# first declared.
QUEUES_SETTLE_SECONDS = 2.0
# To more followers a post is one to a large audience.
LARGE_AUDIENCE = 200
# Nobody writes more posts in a run than a back-fill brings: so every post of an author belongs into
# the timeline of everyone who follows at the end, whenever they began to.
POSTS_OF_AUTHOR = 50
SETTINGS = {
    # Small, so that a post is several tasks, in both lanes, and partitions are made under load.
    "TIMELINE_TASK_ROWS": "100",
    "TIMELINE_LARGE_AUDIENCE": str(LARGE_AUDIENCE),
    "TIMELINE_BACKFILL_POSTS": str(POSTS_OF_AUTHOR),
    "PARTITION_POSTS": "200",
}


class FaultsEnvironment(PrivateEnvironment):
    """Made once, broken by one scenario after the other. `people` and `broker` are there once it is
    open."""

    people: People
    broker: Broker

    def __init__(self, seed: int) -> None:
        """`seed` of who follows whom."""
        super().__init__("faults", **SETTINGS)
        self._seed = seed

    def renew(self) -> None:
        """Everything made anew, and all processes started."""
        super().renew()
        self.people = people.make(self, self._seed)
        rabbitmq = self.services.rabbitmq
        self.broker = Broker(rabbitmq.url, rabbitmq.management_url)
        with interruption.put_off():
            self.processes.start()
        self.processes.wait_ready()
        time.sleep(QUEUES_SETTLE_SECONDS)

    def commands(self) -> dict[str, Command]:
        table = super().commands()
        del table["flower"]
        return table | {"beat": with_app(table["beat"], "devtools.faults.apps.often")}

    def variant(self, name: str, command: Command | None = None, **environ: str) -> Supervisor:
        """One process by its own record, with other variables or another command line."""
        return self.supervise({name: command or self.table[name]}, **environ)
