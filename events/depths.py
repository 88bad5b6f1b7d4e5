"""The number of messages that wait in queues, as reported by the broker."""

from collections.abc import Iterable

import amqp.exceptions
from kombu import Connection

from events import links


def ready(broker_url: str, queues: Iterable[str]) -> dict[str, int]:
    """Return the number of messages in each queue that no consumer holds. A queue that does not
    exist counts as 0.

    Raises a passing error if the broker is unreachable.
    """
    with links.connect(broker_url) as broker:
        return ready_by(broker, queues)


def ready_by(broker: Connection, queues: Iterable[str]) -> dict[str, int]:
    """Do the same over a connection that the caller keeps."""
    broker.connect()  # Fails at once; opening a channel would retry for seconds.
    found = {}
    for name in queues:
        try:
            # A refused declaration closes its channel, so each queue gets its own channel.
            with links.open_channel(broker) as channel:
                found[name], _ = links.counts(channel, name)
        except amqp.exceptions.NotFound:
            found[name] = 0
    return found
