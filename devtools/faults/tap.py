"""A queue of the harness's own beside the lanes: which tasks are sent?"""

from typing import TYPE_CHECKING

from kombu import Connection, Queue

from devtools.faults.broker import OWN
from devtools.faults.celery_messages import EXCHANGE

if TYPE_CHECKING:
    from devtools.faults.scene import Scene

NAME = f"{OWN}tap"


class Tap:
    """Gets a copy of every task, until the row's end."""

    def __init__(self, scene: "Scene"):
        self._connection = Connection(scene.house.broker.url, connect_timeout=5)
        arguments = {"x-queue-type": "quorum"}
        self._queue = Queue(NAME, durable=True, queue_arguments=arguments)(self._connection)
        self._queue.declare()
        self._queue.bind_to(EXCHANGE, routing_key="#")
        scene.at_end(self._end)

    def tasks(self) -> set[str]:
        """The names of those since the last call."""
        found = set()
        while message := self._queue.get():
            found.add(message.headers["task"])
            message.ack()
        return found

    def _end(self) -> None:
        self._queue.delete()
        self._connection.release()
