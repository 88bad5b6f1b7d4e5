"""Publishing with confirms.

Guarantee: a message is reported as published only after the broker has stored it in every queue
bound to its exchange, at least one. Confirming many messages takes about as long as confirming one,
since the broker writes them to disk together.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import amqp
from amqp.exceptions import (
    AMQPError,
    ChannelError,
    IrrecoverableChannelError,
    IrrecoverableConnectionError,
    MessageNacked,
)

from events import links, topology
from events.errors import PermanentError
from events.routing import CONFIRM_TIMEOUT

NO_ROUTE = 312
# Bytes that AMQP itself adds to the frame of the headers.
FRAME_OVERHEAD = 200
# So many characters of headers and properties fit into even the smallest usual frame.
SURELY_FITS = 10_000


class UnsendableError(PermanentError):
    """AMQP cannot encode the message's headers, properties or route."""


class Outgoing(NamedTuple):
    body: bytes
    exchange: str
    routing_key: str
    headers: dict[str, Any]
    properties: dict[str, Any]


class Publisher:
    """A connection for publishing only, opened when needed.

    It has no heartbeats: it is silent between events, and a missing confirm shows that it is dead.
    """

    def __init__(self, url: str) -> None:
        self._connection = links.connect(url)
        self._channel: amqp.Channel | None = None
        self._sent = 0
        self._unconfirmed: set[int] = set()
        self._returned: dict[tuple[str, str], ChannelError] = {}

    @property
    def connected(self) -> bool:
        return self._channel is not None

    def connect(self) -> None:
        """Connect now instead of at the first message. Raises a passing error."""
        with self._closing():
            self._open()

    def publish(self, message: Outgoing) -> None:
        """Publish one persistent message. Raises a passing error; another AMQPError if the exchange
        does not exist or has no queue; or UnsendableError."""
        for failure in self.publish_all([message]):
            if failure:
                raise failure

    def probe(self) -> None:
        """Publish to a queue that does not exist, and wait for the broker to return the message.
        Raises a passing error if it does not answer."""
        for failure in self.publish_all([Outgoing(b"", "", "connectify.probe", {}, {})]):
            if failure and getattr(failure, "reply_code", None) != NO_ROUTE:
                raise failure

    def publish_all(self, messages: Sequence[Outgoing]) -> Iterator[Exception | None]:
        """Publish persistent messages together. Yield for each message, in order, None once it is
        confirmed, or the error that publish() would raise for it alone.

        Raises a passing error, for example TimeoutError when CONFIRM_TIMEOUT is over for the whole
        batch. The messages without a result may or may not have been published."""
        done = 0
        if not messages:
            return
        try:
            with self._closing():
                for failure in self._publish_together(messages):
                    done += 1
                    yield failure
        except (IrrecoverableChannelError, IrrecoverableConnectionError) as error:
            # The error closed the channel for the whole batch. Publish the messages one at a time
            # to find the culprit.
            if done + 1 == len(messages):
                yield error
                return
            for message in messages[done:]:
                yield from self.publish_all([message])

    def close(self) -> None:
        """Drop the connection without a closing handshake, for which a dead peer would make us
        wait."""
        self._channel = None
        self._connection.collect()

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Close the connection after any error, and raise a broken one as ConnectionError."""
        try:
            yield
        except Exception as error:
            self.close()
            if type(error) is OSError:
                # amqp raises plain OSError if the peer had closed before anything was sent.
                raise ConnectionError(f"broker: {error}") from error
            raise

    def _publish_together(self, messages: Sequence[Outgoing]) -> Iterator[Exception | None]:
        # On a new connection send one message first, so that a broker that confirms nothing does
        # not get the whole batch again and again.
        parts = [messages] if self._channel else [messages[:1], messages[1:]]
        channel = self._channel or self._open()
        self._returned.clear()
        deadline = time.monotonic() + CONFIRM_TIMEOUT
        for part in parts:
            sent = [(message, *self._send(channel, message, _left(deadline))) for message in part]
            for message, tag, unsendable in sent:
                while tag in self._unconfirmed:
                    self._connection.drain_events(timeout=_left(deadline))
                # The broker returns an unroutable message before it confirms it. All messages with
                # the same exchange and routing key are returned alike.
                yield unsendable or self._returned.get((message.exchange, message.routing_key))

    def _send(
        self, channel: amqp.Channel, message: Outgoing, seconds: float
    ) -> tuple[int | None, UnsendableError | None]:
        """Send the message; return its delivery tag, or None and the reason why it was not sent."""
        kind = {"content_type": "application/json", "content_encoding": "utf-8"}
        sent = amqp.Message(
            message.body,
            application_headers=message.headers,
            **kind | message.properties | {"delivery_mode": 2},
        )
        route = (message.exchange, message.routing_key)
        try:
            _check_headers(sent, channel.connection.frame_max)
            channel.basic_publish(sent, *route, mandatory=True, timeout=seconds)
        except (OSError, AMQPError):
            raise
        except Exception as error:
            # Nothing was written to the socket: amqp encodes the whole message first.
            return None, UnsendableError(f"{type(error).__name__}: {error}")
        # The broker numbers messages in the same way, and its confirms use these numbers.
        self._sent += 1
        self._unconfirmed.add(self._sent)
        return self._sent, None

    def _open(self) -> amqp.Channel:
        self._connection.connect()
        topology.declare(self._connection)
        channel = links.open_channel(self._connection)
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._sent, self._unconfirmed = 0, set()
        self._channel = channel
        return channel

    def _on_ack(self, tag: int, multiple: bool) -> None:
        known = {each for each in self._unconfirmed if each <= tag} if multiple else {tag}
        self._unconfirmed -= known

    def _on_nack(self, tag: int, multiple: bool) -> None:
        raise MessageNacked(f"message {tag} of this connection")

    def _on_return(
        self, error: ChannelError, exchange: str, routing_key: str, message: amqp.Message
    ) -> None:
        self._returned[exchange, routing_key] = error


def _check_headers(message: amqp.Message, frame_max: int) -> None:
    """Raise ValueError if the headers exceed a frame: the broker would close the connection."""
    if len(str(message.properties)) > SURELY_FITS:
        # The stubs lack this method.
        size = len(message._serialize_properties())  # type: ignore[attr-defined]
        if size > frame_max - FRAME_OVERHEAD:
            raise ValueError(f"{size:,} bytes of headers, want at most {frame_max:,}")


def _left(deadline: float) -> float:
    """Return the seconds until `deadline`. Raises TimeoutError if it is over."""
    if (seconds := deadline - time.monotonic()) <= 0:
        raise TimeoutError("the broker has not confirmed in time")
    return seconds
