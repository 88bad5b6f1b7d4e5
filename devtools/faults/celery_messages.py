"""Tasks sent as another program would, by the plain protocol: the harness loads no Celery app."""

import uuid

from kombu import Connection, Producer

from devtools.faults.run import Run

LANE = "operations.low"
EXCHANGE = "connectify.lanes"
CONFIRM_SECONDS = 10


def send(run: Run, task: str, *, lane: str = LANE, **kwargs: object) -> str:
    """Publish one task with a confirm; returns its id.

    https://docs.celeryq.dev/en/stable/internals/protocol.html
    """
    task_id, headers = identity(task)
    publish(
        run.broker.url,
        body(kwargs),
        exchange=EXCHANGE,
        routing_key=lane,
        headers=headers,
        correlation_id=task_id,
    )
    return task_id


def send_many(run: Run, task: str, count: int, *, lane: str, **kwargs: object) -> None:
    """The same task so many times, without confirms: count them in their queue."""
    with Connection(run.broker.url, connect_timeout=5) as connection:
        producer = Producer(connection.channel())
        for _ in range(count):
            task_id, headers = identity(task)
            producer.publish(
                body(kwargs),
                exchange=EXCHANGE,
                routing_key=lane,
                headers=headers,
                correlation_id=task_id,
                serializer="json",
                delivery_mode=2,
            )


def take_back(run: Run, lane: str, count: int) -> None:
    """Acknowledge the first so many messages of a lane, as a very quick worker would."""
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


def identity(task: str) -> tuple[str, dict]:
    """A new id, and the headers of a message with it."""
    task_id = str(uuid.uuid4())
    return task_id, {"lang": "py", "task": task, "id": task_id, "root_id": task_id, "retries": 0}


def body(kwargs: dict) -> list:
    return [[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


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
