"""What links an effect to its cause: the W3C trace context, and the ids of request and event.

They go from a request into its events' headers and from these into tasks' headers, and stand in
every line that is logged on the way: they are kept in structlog's context variables.
https://www.w3.org/TR/trace-context/
"""

import secrets
from collections.abc import Iterable

from kombu import Message
from structlog.contextvars import bound_contextvars, get_contextvars

from events.envelope import Event

CARRIED = ("traceparent", "request_id", "event_id")
# A batch has the ids of all its events, joined; so many, for headers and lines stay small.
JOINED = 10


def event_headers() -> dict[str, str]:
    """The headers of an event that is recorded now."""
    known = get_contextvars()
    new = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    headers = {"traceparent": known.get("traceparent") or new}
    if "request_id" in known:
        headers["request_id"] = known["request_id"]
    return headers


def task_headers() -> dict[str, str]:
    """The headers of a task that is enqueued now."""
    return {name: value for name, value in get_contextvars().items() if name in CARRIED}


def handling(pairs: Iterable[tuple[Event, Message]]):
    """A context in which the given events are handled."""
    pairs = list(pairs)
    headers = [message.headers or {} for _, message in pairs]
    found = {
        "event_id": _joined(event.event_id for event, _ in pairs),
        "request_id": _joined(header.get("request_id") for header in headers),
        "traceparent": next((str(h["traceparent"]) for h in headers if "traceparent" in h), ""),
    }
    return bound_contextvars(**{name: value for name, value in found.items() if value})


def _joined(ids: Iterable) -> str:
    """Each once; another program's headers may hold anything."""
    found = dict.fromkeys(str(value)[:128] for value in ids if value)
    return ",".join(list(found)[:JOINED])
