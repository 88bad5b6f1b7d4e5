"""The Celery app: its lanes, and the settings without which messages are lost.

Priority means lane: separate queues with workers of their own, never `priority=`.
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

node_names.make_unique()

app = Celery("connectify")
app.conf.update(
    broker_url=settings.BROKER_URL,
    # Without confirms a message that the broker refuses vanishes without an error.
    # Without a bound a publisher would wait for its connection where nobody can stop it.
    broker_transport_options={
        **links.OPTIONS,
        "confirm_publish": True,
        "max_retries": 1,
        "interval_start": 0.2,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # The default gives up for good after 100.
    # The broker gives a silent worker's tasks to another after two to three of these.
    broker_heartbeat=10,
    # By default each worker's control queue is its connection's alone. The broker would refuse it
    # to a worker that is back before the broker has noticed that its old connection is gone.
    control_queue_exclusive=False,
    control_queue_durable=True,  # RabbitMQ 4 wants no transient queue that is shared. It expires.
    broker_native_delayed_delivery_queue_type="quorum",
    task_queues=[lane(name) for name in LANES],
    task_default_queue="operations.low",
    task_create_missing_queues=False,
    task_routes=("events.routing.route",),
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_acks_on_failure_or_timeout=False,  # A final failure is rejected, and so dead-lettered.
    task_reject_on_worker_lost=True,
    # For beat and for retries, whose cached connection would stay dead after a broker's restart;
    # LaneTask.enqueue, which knows what to do about a failure, publishes once.
    task_publish_retry=True,
    task_publish_retry_policy={"max_retries": 3, "interval_start": 0.2, "interval_step": 0.5},
    task_ignore_result=True,
    result_backend="django-db",
    result_extended=True,
    worker_consumer="events.worker:SafeConsumer",
    worker_prefetch_multiplier=1,  # A crashing message must not charge its neighbours.
    worker_hijack_root_logger=False,
    worker_send_task_events=True,
    beat_scheduler="events.beat:IntervalScheduler",
    result_expires=None,  # Pruning them is a periodic task of ours.
    beat_schedule={
        "create partitions": {"task": "operations.create_partitions", "schedule": 60.0},
        "prune the bus": {"task": "events.prune", "schedule": 600.0},
        "release a canary": {
            "task": "operations.release_canary",
            "schedule": 60.0,
            "options": {"expires": 60.0},
        },
        "prune the rest": {"task": "operations.prune", "schedule": 600.0},
        "erase accounts": {"task": "operations.erase_accounts", "schedule": 30.0},
        "send reset mails": {"task": "operations.send_reset_mails", "schedule": 5.0},
        "reconcile": {"task": "events.reconcile", "schedule": 30.0},
        "repair timelines": {"task": "timelines.repair", "schedule": 30.0},
        "raise the watermark": {
            "task": "timelines.raise_watermark",
            "schedule": 5.0,
            "options": {"expires": 30.0},
        },
        "put owners to sleep": {"task": "timelines.put_to_sleep", "schedule": 600.0},
        "wake owners": {"task": "timelines.wake", "schedule": 10.0},
        "drop partitions": {"task": "operations.drop_partitions", "schedule": 3600.0},
        "repair pushes": {"task": "notifications.repair", "schedule": 30.0},
        "resume pushes": {"task": "notifications.resume", "schedule": 30.0},
        "roll up": {"task": "analytics.roll_up", "schedule": 5.0},
        "prune the analytics": {"task": "analytics.prune", "schedule": 600.0},
    },
    CELERY_DB_REUSE_MAX=100_000,  # Else every task opens a database connection of its own.
)
app.autodiscover_tasks()
