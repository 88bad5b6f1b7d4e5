"""Health for load balancers: is this process alive, and can it reach what it needs."""

from django.conf import settings
from django.db import connection
from drf_spectacular.utils import extend_schema
from redis import Redis
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from events import links
from operations import metrics
from operations.looks import OK, UNREACHABLE, Look

TIMEOUT_SECONDS = 2


class HealthView(APIView):
    """For whoever asks, as often as they like."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()


class LiveSerializer(serializers.Serializer):
    example = {"status": "ok"}
    status = serializers.ChoiceField(["ok"])


class LiveView(HealthView):
    """This process answers."""

    @extend_schema(responses=LiveSerializer, tags=["health"])
    def get(self, request) -> Response:
        return Response({"status": "ok"})


def _server(what: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(
        [OK, UNREACHABLE], required=False, help_text=f"{what}; for operators alone."
    )


class ReadySerializer(serializers.Serializer):
    example = {"status": "ok", "database": "ok", "broker": "unreachable", "cache": "ok"}
    status = serializers.ChoiceField(["ok", "down"])
    database = _server("PostgreSQL")
    broker = _server("RabbitMQ")
    cache = _server("Valkey")


class ReadyView(HealthView):
    """200 while posts can be taken, which needs PostgreSQL alone: without RabbitMQ they wait in
    the outbox, and without Valkey nothing that counts is missing. Whoever bears METRICS_TOKEN is
    told of each server. An answer may be some seconds old."""

    @extend_schema(responses={200: ReadySerializer, 503: ReadySerializer}, tags=["health"])
    def get(self, request) -> Response:
        database = LOOKS["database"].state()
        ready = database == OK
        answer = {"status": "ok" if ready else "down"}
        if metrics.bears_token(request):
            others = {name: look.state() for name, look in LOOKS.items() if name != "database"}
            answer |= {"database": database} | others
        return Response(answer, status=200 if ready else 503)


def _ask_database() -> None:
    # The connection is that of the thread, which ends here.
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def _ask_broker() -> None:
    # What kombu calls connecting is trying several times.
    with links.connect(settings.BROKER_URL, timeout=TIMEOUT_SECONDS) as broker:
        broker.transport.establish_connection().close()


def _ask_cache() -> None:
    with Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    ) as cache:
        cache.ping()


LOOKS = {
    "database": Look(_ask_database, patience=2.0),
    "broker": Look(_ask_broker, patience=0.5),
    "cache": Look(_ask_cache, patience=0.5),
}
