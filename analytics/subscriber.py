"""Subscriber 3: every event is recorded in the transaction of its inbox row, then counted by a
task, which a periodic one makes up for where it is lost."""

from django.db import transaction

from analytics import tasks
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
    "timeline.delivered",
    "push.settled",
)


def on_events(events: list[Event]) -> None:
    record(events)
    # Not before the records are visible to it.
    transaction.on_commit(tasks.roll_up.enqueue)


register_subscriber(
    Subscriber(
        name="analytics",
        queue="analytics.worker",
        handlers=dict.fromkeys(TAKEN, on_events),
        batch=500,
    )
)
