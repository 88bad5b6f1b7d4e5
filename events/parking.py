"""Sending what a consumer cannot use to the dead letters, together with the reason.

The broker's own dead-lettering carries no exception, so a consumer publishes the message to the
dead-letter exchange itself, with the reason in headers, before it acknowledges the original. A
crash between the two parks it twice, and the second letter updates the first one's row.
"""

import traceback

from kombu import Message

from events.publisher import Outgoing, Publisher
from events.topology import DEAD_EXCHANGE

QUEUE_HEADER = "x-connectify-queue"
EXCEPTION_TYPE_HEADER = "x-connectify-exception-type"
EXCEPTION_MESSAGE_HEADER = "x-connectify-exception-message"
TRACEBACK_HEADER = "x-connectify-traceback"
# On a letter that an operator sends again: it never had its effect, however old it is.
REPLAY_HEADER = "x-connectify-replay"

# Headers of a message must fit into one AMQP frame of 128 KiB, whatever an exception says.
MESSAGE_LIMIT = 4_000
TRACEBACK_LIMIT = 20_000
KEPT_PROPERTIES = (
    *("content_type", "content_encoding", "message_id", "type"),
    *("correlation_id", "reply_to"),
)


class Parking:
    """Parks messages of one queue."""

    def __init__(self, queue: str, publisher: Publisher):
        self._queue = queue
        self._publisher = publisher

    def park(self, message: Message, error: Exception) -> None:
        """Returns when the broker has the letter. Raises an error of PASSING."""
        letter = Outgoing(
            message.body,
            exchange=DEAD_EXCHANGE.name,
            routing_key=f"{self._queue}.dead",
            headers={**message.headers, QUEUE_HEADER: self._queue, **reason(error)},
            properties=kept_properties(message),
        )
        self._publisher.publish(letter)


def reason(error: Exception) -> dict[str, str]:
    """The error as headers of a letter."""
    return {
        EXCEPTION_TYPE_HEADER: type(error).__qualname__,
        EXCEPTION_MESSAGE_HEADER: str(error)[:MESSAGE_LIMIT],
        TRACEBACK_HEADER: "".join(traceback.format_exception(error))[-TRACEBACK_LIMIT:],
    }


def kept_properties(message: Message) -> dict[str, str]:
    """What a letter keeps of its message's properties: what a second attempt needs."""
    found = {
        **message.properties,
        "content_type": message.content_type,
        "content_encoding": message.content_encoding,
    }
    return {name: found[name] for name in KEPT_PROPERTIES if found.get(name)}
