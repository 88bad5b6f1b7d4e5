"""A queue of the harness's own beside the subscribers': which messages were published twice?"""

from collections import Counter
from typing import TYPE_CHECKING

from kombu import Connection, Queue

from devtools.faults.broker import OWN

if TYPE_CHECKING:
    from devtools.faults.scene import Scene

NAME = f"{OWN}witness"
EXCHANGES = ("posts.fanout", "users.fanout", "deliveries.fanout")


class Witness:
    """Gets a copy of every event, until the row's end."""

    def __init__(self, scene: "Scene"):
        self._connection = Connection(scene.house.broker.url, connect_timeout=5)
        self._seen: Counter[str] = Counter()
        arguments = {"x-queue-type": "quorum"}
        self._queue = Queue(NAME, durable=True, queue_arguments=arguments)(self._connection)
        self._queue.declare()
        for exchange in EXCHANGES:
            self._queue.bind_to(exchange)
        scene.at_end(self._end)

    def doubled(self) -> int:
        """How many messages came more than once until now."""
        while message := self._queue.get():
            self._seen[message.properties["message_id"]] += 1
            message.ack()
        return sum(count > 1 for count in self._seen.values())

    def _end(self) -> None:
        self._queue.delete()
        self._connection.release()
