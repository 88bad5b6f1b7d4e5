"""The environment that scenarios break: small slices and partitions, and a beat with short
intervals."""

import time

from devtools.faults import people
from devtools.faults.broker import Broker
from devtools.faults.commands import with_app
from devtools.faults.people import People
from devtools.lab import interruption
from devtools.lab.private import PrivateEnvironment
from devtools.processes import Command, Supervisor

# RabbitMQ 3.10.8 loses confirmed messages of a quorum queue if it is killed just after the queue
# was first declared.
QUEUES_SETTLE_SECONDS = 2.0
# A post to more followers than this has a large audience.
LARGE_AUDIENCE = 200
# No author writes more posts in a run than a back-fill covers. So in the end every post of an
# author must be in the timeline of every follower, whenever the follow began.
POSTS_OF_AUTHOR = 50
SETTINGS = {
    # Small slices and partitions: a post becomes several tasks in both lanes, and partitions are
    # made under load.
    "TIMELINE_TASK_ROWS": "100",
    "TIMELINE_LARGE_AUDIENCE": str(LARGE_AUDIENCE),
    "TIMELINE_BACKFILL_POSTS": str(POSTS_OF_AUTHOR),
    "PARTITION_POSTS": "200",
}


class FaultsEnvironment(PrivateEnvironment):
    """Made once, and then broken by one scenario after the other. `people` and `broker` exist once
    it is open."""

    people: People
    broker: Broker

    def __init__(self, seed: int, rabbitmq: str = "") -> None:
        """`seed` decides who follows whom; `rabbitmq` names its version."""
        super().__init__("faults", rabbitmq=rabbitmq, **SETTINGS)
        self._seed = seed

    def renew(self) -> None:
        """Make everything anew, and start all processes."""
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
        """A supervisor for one process that keeps its pid record, with other variables or another
        command line."""
        return self.supervise({name: command or self.table[name]}, **environ)
