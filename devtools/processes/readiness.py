"""Checks whether a process is ready, by asking the process itself or the server that it uses.

Each function returns a check, which is repeated until it returns True.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import amqp.exceptions
import psycopg2
from kombu import Connection

Ready = Callable[[], bool]
LIMIT = 3  # seconds for one answer

# A connection that listens shows this statement while it sleeps. The channel is that of
# events/outbox.py.
LISTENERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query = 'LISTEN events_outbox'
"""


def answers(url: str) -> Ready:
    """A check that a GET of this URL succeeds."""

    def ask() -> bool:
        try:
            with urlopen(url, timeout=LIMIT) as response:
                return response.status < 300
        except OSError:
            return False

    return ask


def consumed(broker_url: str, *queues: str) -> Ready:
    """A check that each of the queues has a consumer."""

    def ask() -> bool:
        try:
            with Connection(broker_url, connect_timeout=LIMIT) as broker:
                channel = broker.channel()
                found = [channel.queue_declare(name, passive=True) for name in queues]
        except (OSError, amqp.exceptions.AMQPError):
            return False
        return all(queue.consumer_count for queue in found)

    return ask


def listening(database_url: str) -> Ready:
    """A check that a relay listens for new events."""

    def ask() -> bool:
        try:
            connection = psycopg2.connect(database_url, connect_timeout=LIMIT)
        except psycopg2.OperationalError:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute(LISTENERS)
                return cursor.fetchone()[0] > 0
        finally:
            connection.close()

    return ask


def written(path: Path) -> Ready:
    """A check for this file, which the process writes when it is ready."""
    return path.exists
