"""The subscriber "timelines": posts become rows in their followers' timelines.

It declares the events that it takes, its lanes and periodic tasks, and what operators' tools read.
It imports no models, because Celery reads it before Django has loaded them.
"""

from events.lanes import Lane, PeriodicTask
from events.registry import Subscriber, register_subscriber

HIGH = "timelines.high"  # Ordinary authors' posts.
LOW = "timelines.low"  # Very large audiences, back-fills, removals.
# The lane of periodic tasks. In timelines.low they would pile up behind the slices of a large
# audience.
UPKEEP = "operations.low"

FEED = PeriodicTask("timelines.feed", 5.0, UPKEEP)
REPAIR = PeriodicTask("timelines.repair", 30.0, UPKEEP)
RAISE_WATERMARK = PeriodicTask("timelines.raise_watermark", 5.0, UPKEEP)
PUT_TO_SLEEP = PeriodicTask("timelines.put_to_sleep", 60.0, UPKEEP)
WAKE = PeriodicTask("timelines.wake", 10.0, UPKEEP)

register_subscriber(
    Subscriber(
        name="timelines",
        queue="timeline.worker",
        handlers={
            "post.created": "timelines.handlers.on_post_created",
            "post.deleted": "timelines.handlers.on_post_deleted",
            "user.followed": "timelines.handlers.on_follow_changed",
            "user.unfollowed": "timelines.handlers.on_follow_changed",
            "user.closed": "timelines.handlers.on_user_closed",
        },
        batch=100,
        target_seconds=30.0,
        # timelines.low has no limit: posts to large audiences wait for room in the ledger, and
        # delay no other posts. A removal or a back-fill is at most one task per event.
        lanes=[
            Lane(HIGH, concurrency=2, limit="TIMELINE_LANE_TASKS"),
            Lane(LOW, concurrency=2),
        ],
        periodic=[FEED, REPAIR, RAISE_WATERMARK, PUT_TO_SLEEP, WAKE],
        ledger="timelines.tasks.LEDGER",
        tables={"timelines_timelineentry": "TIMELINE_KEEP"},
        journey="timelines.journey.steps",
    )
)
