"""AMQP messages written byte by byte, to send what no well-behaved client would."""

import struct
from dataclasses import dataclass, field
from decimal import Decimal

import amqp

# The properties in the order of the wire: flag, name, and the writer of the value.
PROPERTIES = (
    (0x8000, "content_type", "short"),
    (0x4000, "content_encoding", "short"),
    (0x2000, "headers", "F"),
    (0x1000, "delivery_mode", "B"),
    (0x0800, "priority", "B"),
    (0x0400, "correlation_id", "short"),
    (0x0200, "reply_to", "short"),
    (0x0100, "expiration", "short"),
    (0x0080, "message_id", "short"),
    (0x0040, "timestamp", "T"),
    (0x0020, "type", "short"),
    (0x0008, "app_id", "short"),
)
FIXED = {"t": ">?", "b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I"} | {
    "l": ">q",
    "f": ">f",
    "d": ">d",
    "T": ">Q",
}


@dataclass(frozen=True)
class Typed:
    """A value of a header table with AMQP's type letter."""

    letter: str
    value: object = None

    def __bytes__(self) -> bytes:
        return self.letter.encode() + written(self.letter, self.value)


@dataclass(frozen=True)
class Raw:
    """A message for one queue. Strings in properties and headers are bytes."""

    queue: str
    body: bytes
    properties: dict = field(default_factory=dict)
    exchange: str = ""

    def __repr__(self) -> str:
        """A short form, because a failing test prints many messages."""
        body = f"{self.body[:40]!r} of {len(self.body)} bytes"
        return f"Raw({self.queue}, {body}, {str(self.properties)[:2_000]})"


def written(letter: str, value) -> bytes:
    if letter in FIXED:
        return struct.pack(FIXED[letter], value)
    if letter == "V":
        return b""
    if letter == "D":
        sign, digits, exponent = Decimal(value).as_tuple()
        number = int("".join(map(str, digits))) * (-1 if sign else 1)
        return struct.pack(">Bi", -exponent, number)
    if letter == "short":
        return bytes([len(value)]) + value
    if letter == "F" and isinstance(value, dict):
        value = b"".join(written("short", name) + bytes(inner) for name, inner in value.items())
    if letter == "A":
        value = b"".join(map(bytes, value))
    return struct.pack(">I", len(value)) + value


def publish(connection: amqp.Connection, message: Raw) -> None:
    """Write the message and wait until the broker has it. Raises an AMQPError if the broker refuses
    it."""
    channel = connection.channel()
    route = written("short", message.exchange.encode()) + written("short", message.queue.encode())
    method = struct.pack(">HHH", 60, 40, 0) + route + b"\0"
    flags, values = 0, b""
    for flag, name, letter in PROPERTIES:
        if name in message.properties:
            flags |= flag
            values += written(letter, message.properties[name])
    header = struct.pack(">HHQH", 60, 0, len(message.body), flags) + values
    room = connection.frame_max - 8
    parts = [message.body[at : at + room] for at in range(0, len(message.body), room)]
    frames = [(1, method), (2, header), *((3, part) for part in parts)]
    for kind, content in frames:
        frame = struct.pack(">BHI", kind, channel.channel_id, len(content)) + content + b"\xce"
        connection.transport.write(frame)
    channel.queue_declare(message.queue, passive=True)
    channel.close()
