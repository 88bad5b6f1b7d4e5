"""Health checks for load balancers: is this process alive, and can it reach its servers?"""

from typing import Any

from django.conf import settings
from django.db import connection
from drf_spectacular.utils import extend_schema
from redis import Redis
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from events import links
from operations import metrics
from operations.cached_checks import OK, UNREACHABLE, CachedCheck

TIMEOUT_SECONDS = 2


class HealthView(APIView):
    """A view that anybody may call, as often as they like."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()


class LiveSerializer(serializers.Serializer[Any]):
    example = {"status": "ok"}
    status = serializers.ChoiceField(["ok"])


class LiveView(HealthView):
    """This process answers."""

    @extend_schema(responses=LiveSerializer, tags=["health"])
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


def _server(what: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(
        [OK, UNREACHABLE], required=False, help_text=f"{what}; only for operators."
    )


class ReadySerializer(serializers.Serializer[Any]):
    example = {"status": "ok", "database": "ok", "broker": "unreachable", "cache": "ok"}
    status = serializers.ChoiceField(["ok", "down"])
    database = _server("PostgreSQL")
    broker = _server("RabbitMQ")
    cache = _server("Valkey")


class ReadyView(HealthView):
    """200 while the server accepts posts, otherwise 503. That needs only PostgreSQL: without
    RabbitMQ posts wait in the outbox, and Valkey is not essential. A request with METRICS_TOKEN
    also gets the state of each server. The answer may be some seconds old."""

    @extend_schema(responses={200: ReadySerializer, 503: ReadySerializer}, tags=["health"])
    def get(self, request: Request) -> Response:
        database = CHECKS["database"].state()
        ready = database == OK
        answer = {"status": "ok" if ready else "down"}
        if metrics.bears_token(request):
            others = {name: check.state() for name, check in CHECKS.items() if name != "database"}
            answer |= {"database": database} | others
        return Response(answer, status=200 if ready else 503)


def _ask_database() -> None:
    # The connection belongs to this thread, which ends after the check.
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def _ask_broker() -> None:
    # kombu's connect() would retry several times.
    with links.connect(settings.BROKER_URL, timeout=TIMEOUT_SECONDS) as broker:
        broker.transport.establish_connection().close()


def _ask_cache() -> None:
    with Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    ) as cache:
        cache.ping()


CHECKS = {
    "database": CachedCheck(_ask_database, timeout=2.0),
    "broker": CachedCheck(_ask_broker, timeout=0.5),
    "cache": CachedCheck(_ask_cache, timeout=0.5),
}
