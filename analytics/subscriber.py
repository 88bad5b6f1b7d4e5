"""The subscriber "analytics": record every event, in the transaction of its inbox row.

A periodic task adds the records to the rollups (see rollups.py).
"""

from django.utils import timezone

from analytics.recording import record
from events.envelope import Event
from events.registry import Subscriber, register_subscriber

TAKEN = (
    "post.created",
    "post.edited",
    "post.deleted",
    "user.followed",
    "user.unfollowed",
    "user.blocked",
    "user.closed",
    "timeline.delivered",
    "push.settled",
)


def on_events(events: list[Event]) -> None:
    record(events, now=timezone.now())


register_subscriber(
    Subscriber(
        name="analytics",
        queue="analytics.worker",
        handlers=dict.fromkeys(TAKEN, on_events),
        batch=500,
    )
)
