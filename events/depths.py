"""How many messages wait in queues, as the broker says."""

from collections.abc import Iterable

import amqp.exceptions
from kombu import Connection

from events import links


def ready(broker_url: str, queues: Iterable[str]) -> dict[str, int]:
    """Messages in each queue that no consumer holds; a queue that does not exist has none.

    Raises an error that passes where the broker cannot be reached.
    """
    with links.connect(broker_url) as broker:
        return ready_by(broker, queues)


def ready_by(broker: Connection, queues: Iterable[str]) -> dict[str, int]:
    """The same over a connection that the caller keeps."""
    broker.connect()  # A channel would try for seconds where nobody listens.
    found = {}
    for name in queues:
        try:
            # A refused declaration closes its channel, so each has its own.
            with broker.channel() as channel:
                found[name] = channel.queue_declare(name, passive=True).message_count
        except amqp.exceptions.NotFound:
            found[name] = 0
    return found
