"""Tracing an effect to its cause: the W3C trace context, and the ids of request and event.

They are copied from a request to the headers of its events, and from these to the headers of tasks.
They are kept in structlog's context variables, so every log line on the way contains them.
https://www.w3.org/TR/trace-context/
"""

import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars, get_contextvars

from events.envelope import Event
from events.wire import Message

CARRIED = ("traceparent", "request_id", "event_id")
# A batch carries the ids of its events, joined. At most this many, to keep headers and lines short.
JOINED = 10


def event_headers() -> dict[str, str]:
    """Return the headers for an event that is recorded now."""
    known = get_contextvars()
    new = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    headers = {"traceparent": known.get("traceparent") or new}
    if "request_id" in known:
        headers["request_id"] = known["request_id"]
    return headers


def task_headers() -> dict[str, str]:
    """Return the headers for a task that is enqueued now."""
    return {name: value for name, value in get_contextvars().items() if name in CARRIED}


def handling(pairs: Iterable[tuple[Event, Message]]) -> AbstractContextManager[None]:
    """Return a context manager that binds the ids of the given events to the log context."""
    pairs = list(pairs)
    headers = [message.headers or {} for _, message in pairs]
    found = {
        "event_id": _joined(event.event_id for event, _ in pairs),
        "request_id": _joined(header.get("request_id") for header in headers),
        "traceparent": next((str(h["traceparent"]) for h in headers if "traceparent" in h), ""),
    }
    return bound_contextvars(**{name: value for name, value in found.items() if value})


def _joined(ids: Iterable[object]) -> str:
    """Join the distinct ids, converted and shortened, since another program may send anything."""
    found = dict.fromkeys(str(value)[:128] for value in ids if value)
    return ",".join(list(found)[:JOINED])
