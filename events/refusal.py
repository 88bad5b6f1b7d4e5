"""What a worker refuses to run: messages that no task of ours can be.

Guarantee: what is admitted is harmless to the worker, and to the broker when the worker rejects it.
"""

from typing import Annotated

import msgspec
from celery import current_app
from kombu import Message
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.serialization import loads, prepare_accept_content

from events.compression import CompressionError, expand
from events.envelope import BODY_LIMIT
from events.errors import PermanentError

TaskId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}$")]
Words = Annotated[str, msgspec.Meta(max_length=10_000)]
# Python knows some codecs that take minutes for what another takes milliseconds for.
ENCODINGS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii", "binary"})


class Death(msgspec.Struct):
    """The broker's note about a message that it dead-lettered; a delayed retry bears some."""

    queue: str
    reason: str
    exchange: str
    count: Annotated[int, msgspec.Meta(ge=0)]


class RefusedError(PermanentError):
    """No worker can use the message."""


class TaskHeaders(msgspec.Struct, omit_defaults=True):
    """The headers of a task that a worker is given. Others would become attributes of its request:
    Celery has some by which a sender chooses time limits, delays or what follows."""

    task: str
    id: TaskId
    lang: Words | None = None
    retries: Annotated[int, msgspec.Meta(ge=0, le=1_000)] | None = None
    expires: Words | None = None
    root_id: TaskId | None = None
    parent_id: TaskId | None = None
    origin: Words | None = None
    argsrepr: Words | None = None
    kwargsrepr: Words | None = None
    traceparent: Words | None = None
    request_id: Words | None = None
    event_id: Words | None = None
    # The letter of which this is a replay.
    replay: Words | None = msgspec.field(default=None, name="x-connectify-replay")
    delivery_count: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(
        default=0, name="x-delivery-count"
    )


class Following(msgspec.Struct, forbid_unknown_fields=True):
    """The tasks that follow this one; ours have none."""

    callbacks: None = None
    errbacks: None = None
    chain: None = None
    chord: None = None


def admit(message: Message) -> None:
    """Make of the message what a worker may be given. Raises RefusedError, and then leaves it."""
    headers = _headers(message)
    try:
        body = expand(message.body, message.headers.get("compression"))
    except CompressionError as error:
        raise RefusedError(str(error)) from error
    if (message.content_encoding or "").lower() not in ENCODINGS:
        raise RefusedError(f"not decodable: content encoding {message.content_encoding!r:.100}")
    accepted = prepare_accept_content(current_app.conf.accept_content)
    try:
        payload = loads(body, message.content_type, message.content_encoding, accepted)
    except (DecodeError, ContentDisallowed, LookupError, RecursionError) as error:
        raise RefusedError(f"not decodable: {error}") from error
    try:
        msgspec.convert(payload, tuple[list, dict[str, object], Following])
    except (msgspec.ValidationError, RecursionError) as error:
        raise RefusedError(
            f"its body is no list of arguments, keyword arguments and options: {error}"
        ) from error
    message.body, message.headers = body, headers


def _headers(message: Message) -> dict:
    if len(message.body) > BODY_LIMIT:
        raise RefusedError(f"{len(message.body):,} bytes, want at most {BODY_LIMIT:,}")
    # A name that is no UTF-8 comes as bytes.
    given = {name: value for name, value in message.headers.items() if isinstance(name, str)}
    if not given.get("task"):
        raise RefusedError("no task message: it has no header `task`")
    if not given.get("id"):
        raise RefusedError("it has no header `id`")
    try:
        # RabbitMQ 3.10 dies of some others when the message is rejected: the process that moves
        # dead letters, and after a few restarts that of every queue.
        msgspec.convert(given.get("x-death", []), list[Death])
        headers = msgspec.convert(given, TaskHeaders)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RefusedError(f"its headers are no task's: {error}") from error
    if headers.task not in current_app.tasks:
        raise RefusedError(f"unknown task {headers.task!r:.300}")
    return msgspec.to_builtins(headers)
