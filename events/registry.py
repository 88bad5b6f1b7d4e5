"""The registry of event types and subscribers, which the apps declare.

An app declares its event types in `<app>/event_types.py` and its subscriber in
`<app>/subscriber.py`; both modules are imported when Django starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from events.envelope import Envelope, EnvelopeError, Event, decode, decode_data

Handler = Callable[[list[Event]], None]


@dataclass(frozen=True)
class EventType:
    """`name` is dotted and in the past tense, `exchange` is the fanout exchange that it is
    published to, `schema` is the msgspec.Struct that its data must match."""

    name: str
    exchange: str
    schema: type[msgspec.Struct]


@dataclass(frozen=True)
class Subscriber:
    """One subscriber of the bus: a queue of its own and a handler for each event type it takes.

    A handler gets a list of events of one type and runs in one transaction with the inbox. It
    writes its effect there, or publishes tasks (whose effects have unique keys) and returns when
    the broker has confirmed them. `batch` is the most events that a consumer handles at once.
    `target_seconds` is the promise: the age of an event by which its effect must be complete. While
    one of its lanes holds as many tasks as `lane_limits` allows, the consumer takes no events.
    `start` is where a new subscriber begins: "now" means events published after its queue was first
    declared, "earliest" means the oldest events that the outbox still keeps.
    """

    name: str
    queue: str
    handlers: Mapping[str, Handler]
    batch: int = 100
    target_seconds: float = 60.0
    lane_limits: Mapping[str, int] = field(default_factory=dict)
    start: Literal["now", "earliest"] = "now"

    def __post_init__(self) -> None:
        if self.start not in ("now", "earliest"):
            raise ValueError(f"{self.name}: start is 'now' or 'earliest', not {self.start!r}")

    @property
    def exchanges(self) -> set[str]:
        return {event_types[name].exchange for name in self.handlers}


event_types: dict[str, EventType] = {}
subscribers: dict[str, Subscriber] = {}


def register_event_type(event_type: EventType) -> EventType:
    return _register(event_types, event_type)


def register_subscriber(subscriber: Subscriber) -> Subscriber:
    return _register(subscribers, subscriber)


def _register(registry: dict, entry):
    if registry.setdefault(entry.name, entry) != entry:
        raise ValueError(f"{entry.name!r} is registered twice, and differently")
    return entry


def decode_event(body: bytes, content_type: str | None) -> Event:
    """Return the event in a message's body, checked against its type's schema. Raises
    EnvelopeError."""
    envelope: Envelope = decode(body, content_type)
    event_type = event_types.get(envelope.event_type)
    if event_type is None:
        raise EnvelopeError(f"unknown event_type {envelope.event_type!r}")
    return decode_data(envelope, event_type.schema, body)
