"""The processes that consume queues, derived from the declarations: a consumer for each subscriber,
a consumer of dead letters, and the workers of all lanes.

The compose file is written from this list, and the test harness starts its processes from it.
"""

from dataclasses import dataclass
from itertools import chain

from events.lanes import lanes
from events.registry import subscribers
from events.topology import DEAD_QUEUE_NAME

DEAD_LETTERS = "dead_letters"


@dataclass(frozen=True)
class Consumer:
    """`manage.py consume <subscriber>`, which consumes `queue`. `variables` are the environment
    variables that its handlers need, as declared."""

    subscriber: str
    queue: str
    variables: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.subscriber.replace('_', '-')}-consumer"


@dataclass(frozen=True)
class Worker:
    """A Celery worker that serves these lanes and runs `concurrency` tasks at once."""

    name: str
    lanes: tuple[str, ...]
    concurrency: int
    variables: tuple[str, ...] = ()

    @property
    def node(self) -> str:
        return self.name.removesuffix("-worker")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of `celery worker`. With "-O fair" no task waits behind another one in the
        same child process."""
        size = ("-Q", ",".join(self.lanes), "-c", str(self.concurrency))
        return (*size, "-n", f"{self.node}@%h", "-O", "fair")


def consumers() -> list[Consumer]:
    known = [
        Consumer(each.name, each.queue, tuple(each.variables)) for each in subscribers.values()
    ]
    return [*known, Consumer(DEAD_LETTERS, DEAD_QUEUE_NAME)]


def workers() -> list[Worker]:
    names = dict.fromkeys(lane.process for lane in lanes.values())
    served = {name: [lane for lane in lanes.values() if lane.process == name] for name in names}
    return [
        Worker(
            name,
            tuple(lane.name for lane in own),
            max(lane.concurrency for lane in own),
            tuple(dict.fromkeys(chain.from_iterable(lane.variables for lane in own))),
        )
        for name, own in served.items()
    ]
