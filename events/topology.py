"""Exchanges and queues, with every argument set here instead of by a default of the broker.

Guarantee: all queues are quorum queues with at-least-once dead-lettering to `connectify.dead`. So a
message leaves a queue only when it is acknowledged or moved to `dead.letters`.
"""

from collections.abc import Iterable
from typing import Any

from kombu import Connection, Exchange, Queue

from events.registry import event_types, subscribers

DEAD_EXCHANGE = Exchange("connectify.dead", type="topic", durable=True)
DEAD_QUEUE_NAME = "dead.letters"
# A topic exchange, because Celery's native delay for retries on quorum queues requires one.
LANES_EXCHANGE = Exchange("connectify.lanes", type="topic", durable=True)

# A task whose worker dies is delivered again; after this many deliveries it is a dead letter.
LANE_DELIVERY_LIMIT = 20
# A lost connection counts as a delivery of every event that the consumer holds, so the limit is
# higher.
EVENT_DELIVERY_LIMIT = 100
# Practically unlimited: the broker must not drop a dead letter after many deliveries. RabbitMQ 4
# would set 20 by default, and 3.10 has no value for "unlimited".
LETTER_DELIVERY_LIMIT = 2**31 - 1


def fanout(name: str) -> Exchange:
    return Exchange(name, type="fanout", durable=True)


def lane(name: str) -> Queue:
    """Return the Celery queue of a lane. Its name is its routing key. No lane's name may end with
    a dot and another's name, since Celery binds delayed retries by `#.<name>`."""
    return Queue(
        name,
        exchange=LANES_EXCHANGE,
        routing_key=name,
        durable=True,
        queue_arguments=_arguments(name, LANE_DELIVERY_LIMIT),
    )


def event_queue(name: str) -> Queue:
    return Queue(name, durable=True, queue_arguments=_arguments(name, EVENT_DELIVERY_LIMIT))


DEAD_QUEUE = Queue(
    DEAD_QUEUE_NAME,
    exchange=DEAD_EXCHANGE,
    routing_key="#",
    durable=True,
    queue_arguments={"x-queue-type": "quorum", "x-delivery-limit": LETTER_DELIVERY_LIMIT},
)


def declare(connection: Connection, lanes: Iterable[Queue] = ()) -> None:
    """Declare all exchanges, the queues of all registered subscribers and the given lanes. Harmless
    when repeated."""
    with connection.channel() as channel:
        DEAD_QUEUE(channel).declare()
        for queue in lanes:
            queue(channel).declare()
        for exchange in {event_type.exchange for event_type in event_types.values()}:
            fanout(exchange)(channel).declare()
        for subscriber in subscribers.values():
            queue = event_queue(subscriber.queue)(channel)
            queue.declare()
            for exchange in subscriber.exchanges:
                queue.bind_to(exchange)


def _arguments(name: str, delivery_limit: int) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": delivery_limit,
        "x-dead-letter-exchange": DEAD_EXCHANGE.name,
        "x-dead-letter-routing-key": f"{name}.dead",
        # At-least-once dead-lettering needs both of these.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
