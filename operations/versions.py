"""The versions of our software and of the servers, which are needed for every fault report."""

import platform

import celery
import django
from django.conf import settings
from django.db import connection
from redis import Redis, RedisError

from events import links
from events.errors import PassingError, wrap_passing_errors

TIMEOUT_SECONDS = 2
UNREACHABLE = "unreachable"


def versions(*, ask_broker: bool = True) -> dict[str, str]:
    """Return versions by name; "unreachable" for a server that does not answer. Without
    `ask_broker` RabbitMQ counts as unreachable, because connecting in vain takes seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].split()[0]
    return {
        "Python": platform.python_version(),
        "Django": django.__version__,
        "Celery": celery.__version__,
        "PostgreSQL": postgres,
        "RabbitMQ": _rabbitmq() if ask_broker else UNREACHABLE,
        "Valkey": _valkey(),
    }


def _rabbitmq() -> str:
    try:
        with (
            wrap_passing_errors(),
            links.connect(settings.BROKER_URL, timeout=TIMEOUT_SECONDS) as broker,
        ):
            broker.connect()
            # The connection of the AMQP client below kombu's.
            return str(broker.connection.server_properties["version"])
    except PassingError:
        return UNREACHABLE


def _valkey() -> str:
    try:
        with Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        ) as cache:
            info = cache.info("server")
    except (RedisError, OSError):
        return UNREACHABLE
    return str(info.get("valkey_version") or info["redis_version"])
