"""Publishing with confirms.

Guarantee: a message is told to be published only when the broker has stored it in every queue bound
to its exchange, and there was at least one. Many are confirmed in about the time of one, since
the broker writes what waits for its disk together.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

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
# Headers go into one frame, together with some bytes of AMQP's own.
FRAME_OVERHEAD = 200
# Characters of headers and properties that surely fit into the smallest usual frame.
SURELY_FITS = 10_000


class UnsendableError(PermanentError):
    """AMQP cannot say what the message's headers, properties or route hold."""


class Outgoing(NamedTuple):
    body: bytes
    exchange: str
    routing_key: str
    headers: dict
    properties: dict


class Publisher:
    """One connection for publishing, opened when needed; never the one that consumes.

    Without heartbeats: it is silent between events, and a dead link shows as a confirm that does
    not come.
    """

    def __init__(self, url: str):
        self._connection = links.connect(url)
        self._channel: amqp.Channel | None = None
        self._sent = 0
        self._unconfirmed: set[int] = set()
        self._returned: dict[tuple[str, str], ChannelError] = {}

    @property
    def connected(self) -> bool:
        return self._channel is not None

    def connect(self) -> None:
        """Connect now and not with the first message. Raises an error that passes."""
        with self._closing():
            self._open()

    def publish(self, message: Outgoing) -> None:
        """Publish one persistent message. Raises an error that passes, or another AMQPError or
        UnsendableError where there is no such exchange, no queue bound to it, or no way to send
        the message."""
        for failure in self.publish_all([message]):
            if failure:
                raise failure

    def probe(self) -> None:
        """Publish to no queue, and wait for the broker's answer. Raises an error that passes where
        there is none."""
        for failure in self.publish_all([Outgoing(b"", "", "connectify.probe", {}, {})]):
            if failure and getattr(failure, "reply_code", None) != NO_ROUTE:
                raise failure

    def publish_all(self, messages: Sequence[Outgoing]) -> Iterator[Exception | None]:
        """Publish persistent messages together. Yields for each in turn None once it is confirmed,
        or what publish() would raise for it alone. Raises an error that passes, after
        CONFIRM_TIMEOUT for all of them a TimeoutError: of those that it has not yielded by then,
        some may have been published."""
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
        """Drop the connection without a word, which a dead link would swallow anyway."""
        self._channel = None
        self._connection.collect()

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Closes after an error, and tells of a broken connection as one."""
        try:
            yield
        except Exception as error:
            self.close()
            if type(error) is OSError:
                # So amqp tells of a peer that has closed, when nothing had been sent.
                raise ConnectionError(f"broker: {error}") from error
            raise

    def _publish_together(self, messages: Sequence[Outgoing]) -> Iterator[Exception | None]:
        # After a failure one goes alone first: a broker that confirms nothing is not to be given
        # the same batch again and again.
        parts = [messages] if self._channel else [messages[:1], messages[1:]]
        channel = self._channel or self._open()
        self._returned.clear()
        deadline = time.monotonic() + CONFIRM_TIMEOUT
        for part in parts:
            sent = [(message, *self._send(channel, message, _left(deadline))) for message in part]
            for message, tag, unsendable in sent:
                while tag in self._unconfirmed:
                    self._connection.drain_events(timeout=_left(deadline))
                # A message comes back before its confirm. Its route alone decides about that.
                yield unsendable or self._returned.get((message.exchange, message.routing_key))

    def _send(
        self, channel: amqp.Channel, message: Outgoing, seconds: float
    ) -> tuple[int | None, UnsendableError | None]:
        """The number by which the broker will confirm it, or why it was not sent."""
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
            # Nothing of it was written: it is put into bytes first.
            return None, UnsendableError(f"{type(error).__name__}: {error}")
        # The broker counts in the same way: its confirms name these numbers.
        self._sent += 1
        self._unconfirmed.add(self._sent)
        return self._sent, None

    def _open(self) -> amqp.Channel:
        self._connection.connect()
        topology.declare(self._connection)
        channel = self._connection.channel()
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

    def _on_return(self, error: ChannelError, exchange: str, routing_key: str, message) -> None:
        self._returned[exchange, routing_key] = error


def _check_headers(message: amqp.Message, frame_max: int) -> None:
    """Raises ValueError where they are larger than a frame: the broker would end the connection."""
    if len(str(message.properties)) > SURELY_FITS:
        size = len(message._serialize_properties())
        if size > frame_max - FRAME_OVERHEAD:
            raise ValueError(f"{size:,} bytes of headers, want at most {frame_max:,}")


def _left(deadline: float) -> float:
    """Seconds until then. Raises TimeoutError where there are none."""
    if (seconds := deadline - time.monotonic()) <= 0:
        raise TimeoutError("the broker has not confirmed in time")
    return seconds
