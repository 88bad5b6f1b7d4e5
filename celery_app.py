"""The Celery app: its lanes, and the settings without which messages are lost.

Priorities are lanes: separate queues with their own workers, and never Celery's `priority=`.
"""

import os

from celery import Celery
from django.conf import settings

from events import links, node_names
from events.topology import lane

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectify.settings")

LANES = (
    "timelines.high",  # ordinary authors' posts
    "timelines.low",  # very large audiences, back-fills, removals
    "notifications.high",  # first attempts
    "notifications.retry",  # later ones, which must not delay first ones
    "analytics.low",
    "events.low",  # the bus's own maintenance: replays, reconciling, pruning
    "operations.low",  # periodic maintenance of what several apps have
)

# Each periodic task, and its interval in seconds. A run that nobody has taken when the next one is
# due is dropped, so that they do not pile up while their worker is away. RabbitMQ drops only what
# has reached the head of its queue: their lanes hold nothing else, or little.
PERIODIC = {
    "create partitions": ("operations.create_partitions", 60.0),
    "prune the bus": ("events.prune", 600.0),
    "release a canary": ("operations.release_canary", 60.0),
    "prune the rest": ("operations.prune", 600.0),
    "erase accounts": ("operations.erase_accounts", 30.0),
    "send mails": ("operations.send_mails", 5.0),
    "reconcile": ("events.reconcile", 30.0),
    "feed timelines": ("timelines.feed", 5.0),
    "repair timelines": ("timelines.repair", 30.0),
    "raise the watermark": ("timelines.raise_watermark", 5.0),
    "put owners to sleep": ("timelines.put_to_sleep", 60.0),
    "wake owners": ("timelines.wake", 10.0),
    "drop partitions": ("operations.drop_partitions", 3600.0),
    "repair pushes": ("notifications.repair", 30.0),
    "resume pushes": ("notifications.resume", 30.0),
    "roll up": ("analytics.roll_up", 5.0),
    "prune the analytics": ("analytics.prune", 600.0),
}
# A worker that is busy for half a minute still finds them.
LEAST_EXPIRATION = 30.0

node_names.make_unique()

app = Celery("connectify")
app.conf.update(
    broker_url=settings.BROKER_URL,
    # Without confirms, a message that the broker refuses is lost without an error.
    # Without max_retries, a publisher would try to connect for ever, and nothing could stop it.
    broker_transport_options={
        **links.OPTIONS,
        "confirm_publish": True,
        "max_retries": 1,
        "interval_start": 0.2,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # By default a worker gives up after 100 attempts.
    # Seconds. After two to three of them without a heartbeat, the broker gives the worker's tasks
    # to another worker.
    broker_heartbeat=10,
    # By default each worker's control queue is exclusive to its connection. The broker would refuse
    # it to a worker that reconnects before the broker has noticed that the old connection is gone.
    control_queue_exclusive=False,
    control_queue_durable=True,  # RabbitMQ 4 refuses shared transient queues. The queue expires.
    broker_native_delayed_delivery_queue_type="quorum",
    task_queues=[lane(name) for name in LANES],
    task_default_queue="operations.low",
    task_create_missing_queues=False,
    task_routes=("events.routing.route",),
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_acks_on_failure_or_timeout=False,  # Reject a final failure, so that it is dead-lettered.
    task_reject_on_worker_lost=True,
    # For beat and for retries: publishing again replaces their cached connection, which is dead
    # after a restart of the broker. LaneTask.enqueue handles failures itself and publishes once.
    task_publish_retry=True,
    task_publish_retry_policy={"max_retries": 3, "interval_start": 0.2, "interval_step": 0.5},
    task_ignore_result=True,
    result_backend="django-db",
    result_extended=True,
    worker_consumer="events.worker:SafeConsumer",
    worker_prefetch_multiplier=1,  # A crash must not count as a delivery of prefetched messages.
    worker_hijack_root_logger=False,
    worker_send_task_events=True,
    beat_scheduler="events.beat:IntervalScheduler",
    result_expires=None,  # Our task events.prune deletes them.
    beat_schedule={
        name: {
            "task": task,
            "schedule": seconds,
            # The broker drops a run that no worker has taken in this time. Not `expires`: a worker
            # compares that with its own clock, and one whose clock is ahead would run none of them.
            "options": {"expiration": max(seconds, LEAST_EXPIRATION)},
        }
        for name, (task, seconds) in PERIODIC.items()
    },
    CELERY_DB_REUSE_MAX=100_000,  # By default every task opens a new database connection.
)
app.autodiscover_tasks()
