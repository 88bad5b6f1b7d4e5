"""Health for load balancers: is this process alive, and can it reach what it needs."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import JsonResponse
from kombu import Connection
from redis import Redis

TIMEOUT_SECONDS = 2


def live(request) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(request) -> JsonResponse:
    """200 while posts can be taken, which needs PostgreSQL alone: without RabbitMQ they wait in
    the outbox, and without Valkey nothing that counts is missing."""
    states = {
        "database": _state(_ask_database),
        "broker": _state(_ask_broker),
        "cache": _state(_ask_cache),
    }
    status = 200 if states["database"] == "ok" else 503
    return JsonResponse({"status": "ok" if status == 200 else "down"} | states, status=status)


def _state(ask: Callable[[], None]) -> str:
    try:
        ask()
    except Exception:
        # Which address and why are for the log of that server, not for whoever asks here.
        return "unreachable"
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    with Connection(settings.BROKER_URL, connect_timeout=TIMEOUT_SECONDS) as broker:
        broker.connect()


def _ask_cache() -> None:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS) as cache:
        cache.ping()
