"""A kombu transport that can read any message, whatever its sender put into it.

The libraries raise an error if a property is not UTF-8, a timestamp is in milliseconds, or a body
is not compressed as its header says. The error ends the process that reads the message, and then
every other process that the message is delivered to.

Guarantee: reading a message from the broker never raises an error, and its body is unchanged bytes.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from struct import calcsize, unpack_from
from typing import Any

import amqp
from amqp import serialization, spec

# The stubs lack the cache.
from kombu.transport import (  # type: ignore[attr-defined]
    TRANSPORT_ALIASES,
    _transport_cache,
    pyamqp,
)

from events.plain import DEPTH

# The properties in the order in which AMQP transmits them: flag, name, type.
PROPERTIES = (
    (0x8000, "content_type", "short"),
    (0x4000, "content_encoding", "short"),
    (0x2000, "application_headers", "F"),
    (0x1000, "delivery_mode", "B"),
    (0x0800, "priority", "B"),
    (0x0400, "correlation_id", "short"),
    (0x0200, "reply_to", "short"),
    (0x0100, "expiration", "short"),
    (0x0080, "message_id", "short"),
    (0x0040, "timestamp", "T"),
    (0x0020, "type", "short"),
    (0x0010, "user_id", "short"),
    (0x0008, "app_id", "short"),
    (0x0004, "cluster_id", "short"),
)
ALIASES = {
    "amqp": "events.wire:Transport",
    "pyamqp": "events.wire:Transport",
    "amqps": "events.wire:SSLTransport",
}
# Formats (for struct) of a table's fixed-size types, as RabbitMQ and py-amqp write them. Timestamps
# stay numbers, because their year may be beyond Python's range.
FIXED = {
    **{"t": ">?", "b": ">b", "B": ">B", "s": ">h", "U": ">h", "u": ">H", "I": ">i", "i": ">I"},
    **{"l": ">q", "L": ">q", "f": ">f", "d": ">d", "T": ">Q"},
}


class Message(pyamqp.Message):
    """A message whose body is not decompressed here: kombu would do that without a limit."""

    # Read from the broker, whoever sent it: the stubs expect what kombu itself sends.
    body: bytes  # type: ignore[assignment]
    headers: dict[Any, Any]  # A name that is not UTF-8 arrives as bytes.
    properties: dict[str, Any]

    def __init__(self, msg: amqp.Message, channel: "Channel | None" = None, **kwargs: Any) -> None:
        headers = msg.properties.get("application_headers") or {}
        compression = headers.pop("compression", None)
        super().__init__(msg, channel, **kwargs)
        if compression is not None:
            headers["compression"] = compression
        # kombu passes an empty body as str.
        body: bytes | str = self.body
        self.body = body.encode() if isinstance(body, str) else body

    @property
    def connected(self) -> bool:
        """True while the connection is open that delivered the message: only on it can the message
        be acknowledged."""
        return bool(self.channel and self.channel.connection)


class Channel(pyamqp.Channel):
    """A channel that does not decode bodies, and reads any routing key."""

    Message = Message
    events: dict[str, set[Callable[..., object]]]  # By the name of the method.

    def __init__(
        self,
        connection: amqp.Connection,
        channel_id: int | None = None,
        auto_decode: bool = False,
        on_open: Callable[[amqp.Channel], object] | None = None,
    ) -> None:
        super().__init__(connection, channel_id, auto_decode, on_open)

    def dispatch_method(
        self, method_sig: tuple[int, int], payload: bytes, content: amqp.Message | None
    ) -> Any:
        if method_sig == spec.Basic.Deliver:
            payload = _readable_delivery(payload)
        return super().dispatch_method(method_sig, payload, content)


class Connection(pyamqp.Connection):
    Channel = Channel


class Transport(pyamqp.Transport):
    Connection = Connection


class SSLTransport(pyamqp.SSLTransport):
    Connection = Connection


def register() -> None:
    """Use this transport for every AMQP connection that this process makes from now on."""
    TRANSPORT_ALIASES.update(ALIASES)
    # kombu caches the transport of each scheme. A connection made before this call would keep
    # kombu's own transport in use.
    for scheme in ALIASES:
        _transport_cache.pop(scheme, None)
    readers: dict[int, Any] = serialization.PROPERTY_CLASSES
    readers[spec.Basic.CLASS_ID] = read_properties


def read_properties(buf: bytes, offset: int) -> tuple[dict[str, Any], int]:
    """Return the properties of a content header that begin at `offset`, and the offset after
    them."""
    try:
        return serialization.decode_properties_basic(buf, offset)
    except Exception:
        return _read_any_properties(buf, offset)


def _read_any_properties(buf: bytes, offset: int) -> tuple[dict[str, Any], int]:
    """Do the same, but escape what is not UTF-8, and leave out what follows a broken value."""
    found: dict[str, Any] = {}
    try:
        (flags,) = unpack_from(">H", buf, offset)
        offset += 2
        for flag, name, kind in PROPERTIES:
            if flags & flag:
                found[name], offset = _read(kind, buf, offset, DEPTH)
    except Exception as error:
        found["unreadable"] = repr(error)
    return found, offset


def _read(kind: str, buf: bytes, offset: int, depth: int) -> tuple[object, int]:
    """Return one value of the given type, and the offset after it. May raise any error."""
    if kind in FIXED:
        return unpack_from(FIXED[kind], buf, offset)[0], offset + calcsize(FIXED[kind])
    if kind == "V":
        return None, offset
    if kind == "D":
        scale, number = unpack_from(">Bi", buf, offset)
        return Decimal(number).scaleb(-scale), offset + 5
    lengths = ">B" if kind == "short" else ">I"
    begin = offset + calcsize(lengths)
    end = begin + unpack_from(lengths, buf, offset)[0]
    if kind == "F" and depth:
        return dict(_entries(buf, begin, end, depth - 1, named=True)), end
    if kind == "A" and depth:
        return [value for _, value in _entries(buf, begin, end, depth - 1, named=False)], end
    if kind in ("short", "S"):
        return bytes(buf[begin:end]).decode(errors="backslashreplace"), end
    if kind in ("x", "F", "A"):
        return bytes(buf[begin:end]), end
    raise ValueError(f"type {kind!r}")


def _entries(
    buf: bytes, offset: int, end: int, depth: int, *, named: bool
) -> Iterator[tuple[Any, object]]:
    """Yield the (name, value) pairs of a table, or of an array, with None as each name."""
    while offset < end:
        name: object = None
        if named:
            name, offset = _read("short", buf, offset, depth)
        value, offset = _read(chr(buf[offset]), buf, offset + 1, depth)
        yield name, value


def _readable_delivery(payload: bytes) -> bytes:
    """Return the arguments of basic.deliver, with the routing key escaped if it is not UTF-8."""
    # The payload: method, consumer tag, delivery tag, redelivered, exchange, routing key.
    exchange = 4 + 1 + payload[4] + 8 + 1
    key = exchange + 1 + payload[exchange]
    routing_key = bytes(payload[key + 1 : key + 1 + payload[key]])
    try:
        routing_key.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        escaped = routing_key.decode(errors="backslashreplace").encode()[:255]
        return bytes(payload[:key]) + bytes([len(escaped)]) + escaped
    return payload
