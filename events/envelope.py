"""The envelope of every event: plain JSON that a service in any language can read and write.

Guarantee: a decoded envelope is complete and well typed; anything else raises EnvelopeError.
"""

import hashlib
import secrets
from datetime import datetime
from typing import Annotated, Any

import msgspec

from events.errors import PermanentError

# Printable ASCII, because ids are used in headers, logs and keys.
EventId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}$")]
EventTypeName = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=100)]
# The positive values of a bigint column.
RowId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

# Bytes. An event or a task holds ids and little text. A larger body is a mistake, and every
# redelivery would decode and copy it again.
BODY_LIMIT = 1_000_000


class EnvelopeError(PermanentError):
    """The message is not a valid envelope."""


class Envelope(msgspec.Struct, frozen=True):
    """`event_id` is the idempotency key, `event_type` selects the handler, `timestamp` is used for
    order, expiry and lag. Unknown keys are ignored."""

    event_id: EventId
    event_type: EventTypeName
    timestamp: Moment
    data: msgspec.Raw


class Event(msgspec.Struct, frozen=True):
    """A decoded event: `data` is an instance of its type's schema, `body_hash` a SHA-256."""

    event_id: str
    event_type: str
    timestamp: datetime
    data: Any
    body_hash: bytes


def new_event_id(now: datetime) -> str:
    """Return a new id. Ids ascend with time, so that indexes on them grow at one end only."""
    return f"evt_{int(now.timestamp() * 1000):012x}{secrets.token_hex(10)}"


def encode(event_id: str, event_type: str, timestamp: datetime, data: msgspec.Struct) -> bytes:
    return msgspec.json.encode(
        {"event_id": event_id, "event_type": event_type, "timestamp": timestamp, "data": data}
    )


def decode(body: bytes, content_type: str | None = None) -> Envelope:
    """Return the envelope in `body`, with its data not yet decoded. Raises EnvelopeError.

    A missing content type means JSON, since many AMQP clients set none.
    """
    if content_type and content_type.partition(";")[0].strip().lower() != "application/json":
        raise EnvelopeError(f"content type {content_type!r}, want application/json")
    if len(body) > BODY_LIMIT:
        raise EnvelopeError(f"{len(body):,} bytes, want at most {BODY_LIMIT:,}")
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(str(error)) from error


def decode_data(envelope: Envelope, schema: type[msgspec.Struct], body: bytes) -> Event:
    """Return the event, its data checked against `schema`. Raises EnvelopeError."""
    try:
        data = msgspec.json.decode(envelope.data, type=schema)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(f"data of {envelope.event_type}: {error}") from error
    return Event(
        event_id=envelope.event_id,
        event_type=envelope.event_type,
        timestamp=envelope.timestamp,
        data=data,
        body_hash=hashlib.sha256(body).digest(),
    )
