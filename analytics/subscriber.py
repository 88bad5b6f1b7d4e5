"""Subscriber 3: every event, in batches, to the analytics' lane."""

from datetime import UTC

import msgspec

from analytics import tasks
from events.envelope import Event
from events.registry import Subscriber, register_subscriber

TAKEN = (
    "post.created",
    "post.edited",
    "post.deleted",
    "user.followed",
    "user.unfollowed",
    "user.blocked",
    "timeline.delivered",
    "push.settled",
)


def on_events(events: list[Event]) -> None:
    tasks.record_events.enqueue(events=[describe(event) for event in events])


def describe(event: Event) -> dict:
    """What is kept of an event: all but the words of a post."""
    data = msgspec.to_builtins(event.data)
    data.pop("content", None)
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "timestamp": event.timestamp.astimezone(UTC).isoformat(),
        "data": data,
    }


register_subscriber(
    Subscriber(
        name="analytics",
        queue="analytics.worker",
        handlers=dict.fromkeys(TAKEN, on_events),
        batch=500,
    )
)
