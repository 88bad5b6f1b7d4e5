"""Reads the broker's state from its management API and over AMQP."""

from collections import Counter

from kombu import Connection

from devtools.servers.management import ManagementApi

# The harness's own queues have this prefix. Messages in them do not count as lost.
OWN = "faults."
TIMEOUT_SECONDS = 5.0
# The greatest age of the management API's figures: RabbitMQ collects them every 5 seconds.
STALE_SECONDS = 5.5


class Broker:
    """Each method raises OSError if the broker does not answer."""

    def __init__(self, url: str, management_url: str):
        self.url = url
        self._management = ManagementApi(management_url)
        self._seen: Counter[str] = Counter()
        self._redelivered = 0

    def depths(self) -> dict[str, int]:
        """Messages in each queue, including unacknowledged ones; up to STALE_SECONDS old."""
        return {
            queue["name"]: queue.get("messages", 0)
            for queue in self._management.get("queues")
            if not queue["name"].startswith(OWN)
        }

    def redelivered(self) -> int:
        """How many deliveries were repeated since the last forget(). Call this regularly, because a
        broker that is killed counts from 0 again."""
        for queue in self._management.get("queues"):
            now = queue.get("message_stats", {}).get("redeliver", 0)
            before = self._seen[queue["name"]]
            self._redelivered += now - before if now >= before else now
            self._seen[queue["name"]] = now
        return self._redelivered

    def forget(self) -> None:
        self.redelivered()
        self._redelivered = 0

    def connections(self) -> list[str]:
        return [connection["name"] for connection in self._management.get("connections")]

    def ready(self, *queues: str) -> int:
        """How many messages are ready in these queues now, without unacknowledged ones."""
        with Connection(self.url, connect_timeout=TIMEOUT_SECONDS) as connection:
            channel = connection.channel()
            return sum(channel.queue_declare(name, passive=True).message_count for name in queues)

    def consumers(self, queue: str) -> int:
        """How many consumers a queue has now."""
        with Connection(self.url, connect_timeout=TIMEOUT_SECONDS) as connection:
            return connection.channel().queue_declare(queue, passive=True).consumer_count
