"""The subscriber "notifications": posts become push notifications; closed accounts lose their
devices.

It declares which events it takes, its lanes, periodic tasks and readers. It imports no models,
because Celery reads it before Django has loaded them.
"""

from events.lanes import Lane, PeriodicTask
from events.registry import Subscriber, register_subscriber

HIGH = "notifications.high"  # First attempts.
RETRY = "notifications.retry"  # Later ones, which must not delay first ones.
# The lane of periodic tasks. On the lane of retries they would pile up behind the retries of a push
# service that is down.
UPKEEP = "operations.low"
# Sending: Valkey has the state of the push services.
SENDING = ("VAPID_PRIVATE_KEY", "VAPID_SUBJECT", "REDIS_URL")

REPAIR = PeriodicTask("notifications.repair", 30.0, UPKEEP)
RESUME = PeriodicTask("notifications.resume", 30.0, UPKEEP)

register_subscriber(
    Subscriber(
        name="notifications",
        queue="push.worker",
        handlers={
            "post.created": "notifications.handlers.on_post_created",
            "user.closed": "notifications.handlers.on_user_closed",
        },
        batch=200,
        target_seconds=5.0,
        # notifications.retry has no limit: a push service that is away must not delay first
        # attempts.
        lanes=[
            Lane(HIGH, concurrency=3, limit="PUSH_LANE_TASKS", variables=SENDING),
            Lane(RETRY, variables=SENDING),
        ],
        periodic=[REPAIR, RESUME],
        ledger="notifications.tasks.LEDGER",
        tables={
            "notifications_notification": "NOTIFICATION_KEEP",
            "notifications_delivery": "NOTIFICATION_KEEP",
        },
        journey="notifications.journey.steps",
        unsettled="notifications.unsettled.unsettled",
        examinations={"push services": "notifications.rejections.ailments"},
    )
)
