"""Connections to RabbitMQ with time limits, for whoever opens one.

Guarantee: a peer that is gone without a word is noticed within 15 s, and no answer is waited for
longer than 10 s.
"""

import socket

from kombu import Connection

CONNECT_SECONDS = 5.0

# The first probe after 5 s of silence, then five more every 2 s. What was sent must be acknowledged
# within 10 s: py-amqp's default of 1 s drops connections for a moment's loss of packets.
_TCP = {
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 5,
    "TCP_USER_TIMEOUT": 10_000,  # Milliseconds. Linux alone has it.
}
# For `broker_transport_options` too. A read is limited where a method waits for its answer; who
# waits for deliveries gives a limit of their own.
OPTIONS = {
    "socket_settings": {
        getattr(socket, name): value for name, value in _TCP.items() if hasattr(socket, name)
    },
    "read_timeout": 10,
}


def connect(url: str, *, heartbeat: int = 0, timeout: float = CONNECT_SECONDS) -> Connection:
    """A connection that is opened when it is first used. `heartbeat` (seconds, 0 for none) only for
    those who wait in drain_events() all the time; `timeout` is for connecting alone."""
    return Connection(url, connect_timeout=timeout, heartbeat=heartbeat, transport_options=OPTIONS)
