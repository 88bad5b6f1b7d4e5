"""Connections to RabbitMQ with time limits.

Guarantee: a broker that has vanished without closing the connection is noticed within 15 s, and no
call waits longer than 10 s for its answer.
"""

import socket

from kombu import Connection

from events.wire import Channel

CONNECT_SECONDS = 5.0

# TCP sends the first probe after 5 s of silence, then one every 2 s, five in all. The peer must
# acknowledge data within 10 s: py-amqp's default of 1 s drops connections after brief packet loss.
_TCP = {
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 5,
    "TCP_USER_TIMEOUT": 10_000,  # Milliseconds. Only Linux has it.
}
# Celery's `broker_transport_options` uses these too. The read timeout limits methods that wait for
# an answer; drain_events(), which waits for deliveries, gets a timeout from its caller.
OPTIONS = {
    "socket_settings": {
        getattr(socket, name): value for name, value in _TCP.items() if hasattr(socket, name)
    },
    "read_timeout": 10,
}


def connect(url: str, *, heartbeat: int = 0, timeout: float = CONNECT_SECONDS) -> Connection:
    """Return a connection that opens when it is first used. Set `heartbeat` (seconds, 0 for none)
    only for callers that wait in drain_events() all the time. `timeout` (seconds) limits connecting
    only."""
    return Connection(url, connect_timeout=timeout, heartbeat=heartbeat, transport_options=OPTIONS)


def open_channel(connection: Connection) -> Channel:
    """Open another channel of a connection to RabbitMQ."""
    channel = connection.channel()
    assert isinstance(channel, Channel)  # kombu has other brokers too.
    return channel


def counts(channel: Channel, queue: str) -> tuple[int, int]:
    """Return how many messages of the queue no consumer holds, and how many consumers it has.
    Raises amqp.exceptions.NotFound, and the channel is closed then."""
    found = channel.queue_declare(queue, passive=True)
    assert found  # Only `nowait` has no answer.
    _, messages, consumers = found
    return messages, consumers
