"""The subscriber "analytics": every event is recorded; a periodic task adds the records to the
rollups (see rollups.py).

It declares which events it takes, and by which lanes and periodic tasks it works. It imports no
models, because Celery reads it before Django has loaded them.
"""

from events.lanes import Lane, PeriodicTask
from events.registry import Subscriber, register_subscriber

LOW = "analytics.low"

ROLL_UP = PeriodicTask("analytics.roll_up", 5.0, LOW)
PRUNE = PeriodicTask("analytics.prune", 600.0, LOW)

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

register_subscriber(
    Subscriber(
        name="analytics",
        queue="analytics.worker",
        handlers=dict.fromkeys(TAKEN, "analytics.handlers.on_events"),
        batch=500,
        lanes=[Lane(LOW, worker="maintenance")],
        periodic=[ROLL_UP, PRUNE],
    )
)
