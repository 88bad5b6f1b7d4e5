"""The Celery app, with the settings without which messages would be lost.

Priorities are lanes, which are separate queues with their own workers. Celery's `priority=` is not
used.
"""

import os

from celery import Celery
from django.conf import settings

from connectify.installed import APPS
from events import declarations, links, node_names
from events.lanes import lanes, periodic_tasks
from events.topology import lane

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectify.settings")

# Celery needs its queues now. In `celery -A celery_app` Django has not loaded any app yet; in any
# other process it is loading them (events/apps.py). So apps declare their lanes and periodic tasks
# in modules that import no models, and both places load these modules in the same order.
declarations.load(APPS)
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
    task_queues=[lane(name) for name in lanes],
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
        each.name: {
            "task": each.name,
            "schedule": each.seconds,
            # The broker drops a run that no worker has taken in this time. Not `expires`: a worker
            # compares that with its own clock, and one whose clock is ahead would run none of them.
            "options": {"expiration": each.expiration},
        }
        for each in periodic_tasks.values()
    },
    CELERY_DB_REUSE_MAX=100_000,  # By default every task opens a new database connection.
)
app.autodiscover_tasks()
