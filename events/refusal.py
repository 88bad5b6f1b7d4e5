"""Checks that a worker makes before it runs a message as a task.

Guarantee: an admitted message cannot harm the worker, nor the broker if the worker rejects it.
"""

from typing import Annotated, Any

import msgspec
from celery import current_app
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.serialization import loads, prepare_accept_content

from events.compression import CompressionError, expand
from events.envelope import BODY_LIMIT
from events.errors import PermanentError
from events.wire import Message

TaskId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}$")]
Text = Annotated[str, msgspec.Meta(max_length=10_000)]
# Only these, because some of Python's codecs take minutes for a body that others decode in
# milliseconds.
ENCODINGS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii", "binary"})


class Death(msgspec.Struct):
    """An `x-death` entry, which the broker adds when it dead-letters a message. A delayed retry has
    some too."""

    queue: str
    reason: str
    exchange: str
    count: Annotated[int, msgspec.Meta(ge=0)]


class RefusedError(PermanentError):
    """No worker can run the message."""


class TaskHeaders(msgspec.Struct, omit_defaults=True):
    """The headers that are passed on to the worker. Celery turns any header into an attribute of
    the request, and with some of them a sender could set time limits, delays or following tasks."""

    task: str
    id: TaskId
    lang: Text | None = None
    retries: Annotated[int, msgspec.Meta(ge=0, le=1_000)] | None = None
    expires: Text | None = None
    root_id: TaskId | None = None
    parent_id: TaskId | None = None
    origin: Text | None = None
    argsrepr: Text | None = None
    kwargsrepr: Text | None = None
    traceparent: Text | None = None
    request_id: Text | None = None
    event_id: Text | None = None
    # In a replay: the id of its dead letter.
    replay: Text | None = msgspec.field(default=None, name="x-connectify-replay")
    delivery_count: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(
        default=0, name="x-delivery-count"
    )


class Following(msgspec.Struct, forbid_unknown_fields=True):
    """The tasks that follow this one; our tasks have none."""

    callbacks: None = None
    errbacks: None = None
    chain: None = None
    chord: None = None


def admit(message: Message) -> None:
    """Decompress the message's body and reduce its headers to those in TaskHeaders. Raises
    RefusedError, and then leaves the message unchanged."""
    headers = _headers(message)
    try:
        body = expand(message.body, message.headers.get("compression"))
    except CompressionError as error:
        raise RefusedError(str(error)) from error
    if (message.content_encoding or "").lower() not in ENCODINGS:
        raise RefusedError(f"not decodable: content encoding {message.content_encoding!r:.100}")
    accepted = prepare_accept_content(current_app.conf.accept_content)
    try:
        payload = loads(body, message.content_type or "", message.content_encoding or "", accepted)
    except (DecodeError, ContentDisallowed, LookupError, RecursionError) as error:
        raise RefusedError(f"not decodable: {error}") from error
    try:
        msgspec.convert(payload, tuple[list[Any], dict[str, Any], Following])
    except (msgspec.ValidationError, RecursionError) as error:
        raise RefusedError(
            f"its body is not a list of arguments, keyword arguments and options: {error}"
        ) from error
    message.body, message.headers = body, headers


def _headers(message: Message) -> dict[str, Any]:
    if len(message.body) > BODY_LIMIT:
        raise RefusedError(f"{len(message.body):,} bytes, want at most {BODY_LIMIT:,}")
    # A header name that is not UTF-8 arrives as bytes.
    given = {name: value for name, value in message.headers.items() if isinstance(name, str)}
    if not given.get("task"):
        raise RefusedError("not a task message: it has no header `task`")
    if not given.get("id"):
        raise RefusedError("it has no header `id`")
    try:
        # When a message with a malformed `x-death` is rejected, RabbitMQ 3.10's process that moves
        # dead letters crashes and, after a few restarts, so do those of all queues.
        msgspec.convert(given.get("x-death", []), list[Death])
        headers = msgspec.convert(given, TaskHeaders)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RefusedError(f"its headers are not those of a task: {error}") from error
    if headers.task not in current_app.tasks:
        raise RefusedError(f"unknown task {headers.task!r:.300}")
    admitted: dict[str, Any] = msgspec.to_builtins(headers)
    return admitted
