"""Exchanges and queues, every argument set here and none left to a broker's default.

Guarantee: quorum queues, each with at-least-once dead-lettering to `connectify.dead`, so that a
message leaves a queue only by an acknowledgement or into `dead.letters`.
"""

from collections.abc import Iterable

from kombu import Connection, Exchange, Queue

from events.registry import event_types, subscribers

DEAD_EXCHANGE = Exchange("connectify.dead", type="topic", durable=True)
DEAD_QUEUE_NAME = "dead.letters"
# Celery delays a retry natively on quorum queues only where the lane's exchange is a topic one.
LANES_EXCHANGE = Exchange("connectify.lanes", type="topic", durable=True)

# A worker that dies takes one delivery; a poison task ends in the dead letters after these many.
LANE_DELIVERY_LIMIT = 20
# A lost connection charges every event that a consumer holds, so its limit is wider.
EVENT_DELIVERY_LIMIT = 100
# A letter is never dropped for having been delivered often. RabbitMQ 4 would set 20 by default,
# and 3.10 knows no "unlimited".
LETTER_DELIVERY_LIMIT = 2**31 - 1


def fanout(name: str) -> Exchange:
    return Exchange(name, type="fanout", durable=True)


def lane(name: str) -> Queue:
    """A Celery queue; its name is its routing key, and must not end another's after a dot."""
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
    """Declare all exchanges, every registered subscriber's queue and the given lanes; harmless
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


def _arguments(name: str, delivery_limit: int) -> dict:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": delivery_limit,
        "x-dead-letter-exchange": DEAD_EXCHANGE.name,
        "x-dead-letter-routing-key": f"{name}.dead",
        # At-least-once dead-lettering needs both of these.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
