"""Publishing with confirms.

Guarantee: when publish() returns, the broker has stored the message in every queue bound to its
exchange, and there was at least one.
"""

from kombu import Connection, Producer

from events import topology

# Under a memory or disk alarm a confirm never comes; this bounds the wait.
CONFIRM_TIMEOUT = 10.0
CONNECT_TIMEOUT = 5.0


class Publisher:
    """One connection for publishing, opened when needed; never the one that consumes.

    Without heartbeats: it is silent between events, and a dead link shows as a confirm that does
    not come.
    """

    def __init__(self, url: str):
        self._connection = Connection(
            url,
            connect_timeout=CONNECT_TIMEOUT,
            heartbeat=0,
            transport_options={"confirm_publish": True},
        )
        self._producer: Producer | None = None

    def publish(
        self, body: bytes, *, exchange: str, routing_key: str, headers: dict, properties: dict
    ) -> None:
        """Publish one persistent message. Raises an error of errors.PASSING, or amqp's
        ChannelError where there is no such exchange or no queue bound to it."""
        try:
            if self._producer is None:
                self._producer = self._open()
            self._producer.publish(
                body,
                exchange=exchange,
                routing_key=routing_key,
                headers=headers,
                **{"content_type": "application/json", "content_encoding": "utf-8"} | properties,
                delivery_mode=2,
                mandatory=True,
                retry=False,
                confirm_timeout=CONFIRM_TIMEOUT,
            )
        except Exception:
            # The wait for a confirm does not match delivery tags: after a failure a late one would
            # be taken for the next message's. A new connection knows no late ones.
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection without a word, which a dead link would swallow anyway."""
        self._producer = None
        self._connection.collect()

    def _open(self) -> Producer:
        self._connection.connect()
        topology.declare(self._connection)
        return Producer(self._connection.default_channel)
