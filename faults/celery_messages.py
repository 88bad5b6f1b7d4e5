"""Tasks sent as another program would, by the plain protocol: the harness loads no Celery app."""

import uuid
from typing import TYPE_CHECKING

from kombu import Connection, Producer

if TYPE_CHECKING:
    from faults.scene import Scene

LANE = "operations.low"
EXCHANGE = "connectify.lanes"
CONFIRM_SECONDS = 10


def send(scene: "Scene", task: str, *, lane: str = LANE, **kwargs: object) -> str:
    """Publish one task with a confirm; returns its id.

    https://docs.celeryq.dev/en/stable/internals/protocol.html
    """
    task_id = str(uuid.uuid4())
    headers = {"lang": "py", "task": task, "id": task_id, "root_id": task_id, "retries": 0}
    publish(
        scene.house.broker.url,
        [[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}],
        exchange=EXCHANGE,
        routing_key=lane,
        headers=headers,
        correlation_id=task_id,
    )
    return task_id


def publish(url: str, *bodies: object, **properties: object) -> None:
    """Publish each body, JSON unless it is bytes. Raises kombu's and amqp's errors."""
    confirms = {"confirm_publish": True}
    with Connection(url, connect_timeout=5, transport_options=confirms) as connection:
        producer = Producer(connection.channel())
        for body in bodies:
            how = {"content_type": "application/json", "content_encoding": "utf-8"}
            given = {**(how if isinstance(body, bytes) else {"serializer": "json"}), **properties}
            producer.publish(
                body, delivery_mode=2, confirm_timeout=CONFIRM_SECONDS, mandatory=True, **given
            )
