"""A private RabbitMQ, and messages in it."""

import os

import kombu
import pytest

from devtools.servers.debian_rabbitmq import BrokerMissing
from devtools.servers.services import Services


def up_or_skip(services: Services) -> None:
    """Start the servers; skip the test where RabbitMQ cannot be had, except in CI."""
    try:
        services.up(lambda line: None)
    except BrokerMissing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


def letters(services: Services) -> int:
    """The messages in a durable queue, which is declared on the way."""
    with kombu.Connection(services.rabbitmq.url) as connection:
        quorum = {"x-queue-type": "quorum"}
        queue = kombu.Queue("letters", queue_arguments=quorum)(connection.default_channel)
        return queue.queue_declare().message_count


def write_letter(services: Services) -> None:
    options = {"confirm_publish": True}
    with kombu.Connection(services.rabbitmq.url, transport_options=options) as connection:
        connection.Producer().publish("text", routing_key="letters", delivery_mode=2)
