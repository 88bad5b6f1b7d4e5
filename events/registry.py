"""The registry of event types and subscribers, which the apps declare.

An app declares its event types in `<app>/event_types.py` and its subscriber in
`<app>/subscriber.py`; both modules are imported when Django starts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from django.utils.module_loading import import_string

from events.envelope import Envelope, EnvelopeError, Event, decode, decode_data
from events.lanes import Lane, PeriodicTask, register, register_lanes

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
    """One subscriber of the bus, with everything that other code needs to know about it.

    For the bus: its own queue, and a handler for each event type that it takes, or the import path
    of a handler ("digests.handlers.on_user_followed").
    A handler gets a list of events of one type and runs in one transaction with the inbox. It
    writes its effect there, or publishes tasks (whose effects have unique keys) and returns when
    the broker has confirmed them. `batch` is the most events that a consumer handles at once.
    `target_seconds` is the promise: the age of an event by which its effect must be complete.
    `start` is where a new subscriber begins: "now" means events published after its queue was first
    declared, "earliest" means the oldest events that the outbox still keeps.

    `variables` are the environment variables that its handlers need beside the addresses of
    PostgreSQL and RabbitMQ (see `Lane`, which has its own).

    For Celery: its lanes and its periodic tasks. While one of its lanes is full, the consumer takes
    no more events.

    For operators' tools, import paths that the bus itself does not use:

    - `ledger`: the ledger of its fan-outs (see `Ledger` in fanout/ledger.py).
    - `tables`: its tables that are partitioned by post id, each with the setting that says how long
      its rows are kept.
    - `journey`: yields the steps of a post's way to a user: (Post, User) -> Step.
    - `unsettled`: counts work that has begun and has not ended in time: (target seconds) -> an
      object with the attributes count, seconds (of the oldest) and counts (True if the subscriber
      is late because of it).
    - `figures`: additional figures for the operations page and Prometheus: () -> {name: number}.
    - `examinations`: additional examinations for doctor, by title: (now) -> iterator of Ailment.
    """

    name: str
    queue: str
    handlers: Mapping[str, Handler | str]
    batch: int = 100
    target_seconds: float = 60.0
    start: Literal["now", "earliest"] = "now"
    variables: Sequence[str] = ()
    lanes: Sequence[Lane] = ()
    periodic: Sequence[PeriodicTask] = ()
    ledger: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    journey: str = ""
    unsettled: str = ""
    figures: str = ""
    examinations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.start not in ("now", "earliest"):
            raise ValueError(f"{self.name}: start is 'now' or 'earliest', not {self.start!r}")

    @property
    def exchanges(self) -> set[str]:
        return {event_types[name].exchange for name in self.handlers}

    @property
    def lane_limits(self) -> dict[str, int]:
        """The most tasks that each of its lanes may hold; lanes without a limit are left out."""
        limits = {lane.name: lane.tasks_at_most for lane in self.lanes}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def handler(self, event_type: str) -> Handler:
        handler: Handler = resolve(self.handlers[event_type])
        return handler

    def resolve_all(self) -> None:
        """Raise ImportError for a path that cannot be imported."""
        single = (self.ledger, self.journey, self.unsettled, self.figures)
        for path in (*self.handlers.values(), *self.examinations.values(), *filter(None, single)):
            resolve(path)


def resolve(path: Any) -> Any:
    """Import the object at the path. Any other value is returned as it is."""
    return import_string(path) if isinstance(path, str) else path


event_types: dict[str, EventType] = {}
subscribers: dict[str, Subscriber] = {}


def register_event_type(event_type: EventType) -> EventType:
    return register(event_types, event_type)


def register_subscriber(subscriber: Subscriber) -> Subscriber:
    """Register the subscriber with its lanes and periodic tasks."""
    register_lanes(subscriber.lanes, subscriber.periodic)
    return register(subscribers, subscriber)


def decode_event(body: bytes, content_type: str | None) -> Event:
    """Return the event in a message's body, checked against its type's schema. Raises
    EnvelopeError."""
    envelope: Envelope = decode(body, content_type)
    event_type = event_types.get(envelope.event_type)
    if event_type is None:
        raise EnvelopeError(f"unknown event_type {envelope.event_type!r}")
    return decode_data(envelope, event_type.schema, body)
