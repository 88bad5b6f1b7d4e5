"""Sends tasks as another program would, by Celery's plain protocol, without loading a Celery
app."""

import uuid

from kombu import Connection, Producer

from devtools.faults.run import Run

LANE = "operations.low"
EXCHANGE = "connectify.lanes"
CONFIRM_SECONDS = 10


def send(run: Run, task: str, *, lane: str = LANE, **kwargs: object) -> None:
    """Publish a task and wait for the confirm.

    https://docs.celeryq.dev/en/stable/internals/protocol.html
    """
    publish(run.broker.url, body(kwargs), **task_properties(task, lane))


def send_many(run: Run, task: str, count: int, *, lane: str, **kwargs: object) -> None:
    """Publish the same task `count` times without confirms. The caller counts them in their
    queue."""
    with Connection(run.broker.url, connect_timeout=5) as connection:
        producer = Producer(connection.channel())
        for _ in range(count):
            message = task_properties(task, lane)
            producer.publish(body(kwargs), serializer="json", delivery_mode=2, **message)


def take_back(run: Run, lane: str, count: int) -> None:
    """Acknowledge the first `count` messages of a lane, as a very fast worker would."""
    with Connection(run.broker.url, connect_timeout=5) as connection:
        channel = connection.channel()
        channel.basic_qos(0, 500, False)
        taken: list[int] = []

        def take(message) -> None:
            if len(taken) < count:
                taken.append(message.delivery_tag)
                message.channel.basic_ack(message.delivery_tag)

        channel.basic_consume(lane, callback=take)
        while len(taken) < count:
            connection.drain_events(timeout=CONFIRM_SECONDS)


def task_properties(task: str, lane: str) -> dict:
    """The properties of a message for a lane, with a new id."""
    task_id = str(uuid.uuid4())
    headers = {"lang": "py", "task": task, "id": task_id, "root_id": task_id, "retries": 0}
    return {
        "exchange": EXCHANGE,
        "routing_key": lane,
        "headers": headers,
        "correlation_id": task_id,
    }


def body(kwargs: dict) -> list:
    return [[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


def publish(url: str, body: object, **properties: object) -> None:
    """Publish a body, JSON unless it is bytes. Raises kombu's and amqp's errors."""
    given = {"serializer": "json"}
    if isinstance(body, bytes):
        given = {"content_type": "application/json", "content_encoding": "utf-8"}
    limits = {"delivery_mode": 2, "confirm_timeout": CONFIRM_SECONDS, "mandatory": True}
    confirms = {"confirm_publish": True}
    with Connection(url, connect_timeout=5, transport_options=confirms) as connection:
        Producer(connection.channel()).publish(body, **given | properties | limits)
