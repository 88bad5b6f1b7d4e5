"""The Celery app: the settings without which messages are lost.

Priority means lane: separate queues with workers of their own, never `priority=`.
"""

import os

from celery import Celery
from django.conf import settings

from connectify.installed import APPS
from events import declarations, links, node_names
from events.lanes import lanes, periodic_tasks
from events.topology import lane

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectify.settings")

# Celery wants its queues here. Of `celery -A celery_app` Django has loaded no app yet; in any other
# process it is loading them (events/apps.py). Therefore apps declare their lanes and periodic tasks
# in modules that import no models, and whichever of the two comes first loads these in one order.
declarations.load(APPS)
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
    task_queues=[lane(name) for name in lanes],
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
        each.name: {
            "task": each.name,
            "schedule": each.seconds,
            # The broker drops what nobody has taken by then. Not `expires`, which a worker compares
            # with its own clock: one that is ahead would never run any of them.
            "options": {"expiration": each.expiration},
        }
        for each in periodic_tasks.values()
    },
    CELERY_DB_REUSE_MAX=100_000,  # Else every task opens a database connection of its own.
)
app.autodiscover_tasks()
