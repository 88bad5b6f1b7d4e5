"""The broker as its management API and the protocol tell of it."""

import base64
import json
import time
from collections import Counter
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from kombu import Connection

VHOST = quote("/", safe="")
# Queues of the harness's own begin so; what is in them is nobody's loss.
OWN = "faults."
ANSWER_SECONDS = 5.0
# How old the management API's figures can be: RabbitMQ collects them every 5 seconds.
STALE_SECONDS = 5.5


class Broker:
    """Questions to the broker. Each raises OSError where it does not answer."""

    def __init__(self, url: str, management_url: str):
        self.url = url
        self._management = urlsplit(management_url)
        self._seen: Counter[str] = Counter()
        self._redelivered = 0

    def depths(self) -> dict[str, int]:
        """Messages in each queue, also those that a consumer holds; up to STALE_SECONDS old."""
        return {
            queue["name"]: queue.get("messages", 0)
            for queue in self._get("queues")
            if not queue["name"].startswith(OWN)
        }

    def redelivered(self) -> int:
        """How many deliveries were repeated since the last forget(); ask now and then, for a
        broker that is killed begins to count from 0."""
        for queue in self._get("queues"):
            now = queue.get("message_stats", {}).get("redeliver", 0)
            before = self._seen[queue["name"]]
            self._redelivered += now - before if now >= before else now
            self._seen[queue["name"]] = now
        return self._redelivered

    def forget(self) -> None:
        self.redelivered()
        self._redelivered = 0

    def connections(self) -> list[str]:
        return [connection["name"] for connection in self._get("connections")]

    def ready(self, *queues: str) -> int:
        """How many messages wait in these queues at this moment; those held are not among them."""
        with Connection(self.url, connect_timeout=ANSWER_SECONDS) as connection:
            channel = connection.channel()
            return sum(channel.queue_declare(name, passive=True).message_count for name in queues)

    def consumers(self, queue: str) -> int:
        """How many consumers a queue has at this moment."""
        with Connection(self.url, connect_timeout=ANSWER_SECONDS) as connection:
            return connection.channel().queue_declare(queue, passive=True).consumer_count

    def wait_for_leaders(self, limit: float = 30.0) -> None:
        """After a start: until every quorum queue has elected a leader."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            queues = self._get("queues")
            if all(queue.get("leader", "here") for queue in queues):
                return
            time.sleep(0.2)

    def _get(self, path: str) -> list[dict]:
        parts = self._management
        credentials = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        address = parts._replace(netloc=f"{parts.hostname}:{parts.port}", path=f"/api/{path}")
        request = Request(urlunsplit(address), headers={"Authorization": f"Basic {credentials}"})
        with urlopen(request, timeout=ANSWER_SECONDS) as response:
            return json.loads(response.read())
