"""The broker as its management API and the protocol tell of it."""

from collections import Counter

from kombu import Connection

from devtools.servers.management import ManagementApi

# Queues of the harness's own begin so; what is in them is nobody's loss.
OWN = "faults."
TIMEOUT_SECONDS = 5.0
# How old the management API's figures can be: RabbitMQ collects them every 5 seconds.
STALE_SECONDS = 5.5


class Broker:
    """Questions to the broker. Each raises OSError where it does not answer."""

    def __init__(self, url: str, management_url: str):
        self.url = url
        self._management = ManagementApi(management_url)
        self._seen: Counter[str] = Counter()
        self._redelivered = 0

    def depths(self) -> dict[str, int]:
        """Messages in each queue, also those that a consumer holds; up to STALE_SECONDS old."""
        return {
            queue["name"]: queue.get("messages", 0)
            for queue in self._management.get("queues")
            if not queue["name"].startswith(OWN)
        }

    def redelivered(self) -> int:
        """How many deliveries were repeated since the last forget(); ask now and then, for a
        broker that is killed begins to count from 0."""
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
        """How many messages wait in these queues at this moment; those held are not among them."""
        with Connection(self.url, connect_timeout=TIMEOUT_SECONDS) as connection:
            channel = connection.channel()
            return sum(channel.queue_declare(name, passive=True).message_count for name in queues)

    def consumers(self, queue: str) -> int:
        """How many consumers a queue has at this moment."""
        with Connection(self.url, connect_timeout=TIMEOUT_SECONDS) as connection:
            return connection.channel().queue_declare(queue, passive=True).consumer_count
