"""Additional queues of the harness that receive copies, to see what is published and what twice."""

from collections import Counter
from collections.abc import Iterator

from kombu import Connection, Message, Queue

from devtools.faults.broker import OWN
from devtools.faults.celery_messages import EXCHANGE
from devtools.faults.run import Run

EVENTS = ("posts.fanout", "users.fanout", "deliveries.fanout")


class Tap:
    """Receives a copy of every message of some exchanges until the run's end."""

    def __init__(self, run: Run, name: str, *exchanges: str):
        self._connection = Connection(run.broker.url, connect_timeout=5)
        self._queue = Queue(
            f"{OWN}{name}", durable=True, queue_arguments={"x-queue-type": "quorum"}
        )(self._connection)
        self._queue.declare()
        for exchange in exchanges:
            self._queue.bind_to(exchange, routing_key="#")
        run.at_end(self._end)

    def messages(self) -> Iterator[Message]:
        """The messages since the last call."""
        while message := self._queue.get():
            yield message
            message.ack()

    def _end(self) -> None:
        self._queue.delete()
        self._connection.release()


class Tasks(Tap):
    def __init__(self, run: Run):
        super().__init__(run, "tasks", EXCHANGE)

    def sent(self) -> set[str]:
        """The names of the tasks since the last call."""
        return {message.headers["task"] for message in self.messages()}


class Events(Tap):
    def __init__(self, run: Run):
        super().__init__(run, "events", *EVENTS)
        self._seen: Counter[str] = Counter()

    def doubled(self) -> int:
        """How many events came more than once so far."""
        self._seen.update(message.properties["message_id"] for message in self.messages())
        return sum(count > 1 for count in self._seen.values())
