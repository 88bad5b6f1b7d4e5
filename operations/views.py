"""Health for load balancers: is this process alive, and can it reach what it needs."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from drf_spectacular.utils import extend_schema
from redis import Redis
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from events import links

TIMEOUT_SECONDS = 2
SERVER_STATES = ("ok", "unreachable")


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


class ReadySerializer(serializers.Serializer):
    example = {"status": "ok", "database": "ok", "broker": "unreachable", "cache": "ok"}
    status = serializers.ChoiceField(["ok", "down"])
    database = serializers.ChoiceField(SERVER_STATES)
    broker = serializers.ChoiceField(SERVER_STATES)
    cache = serializers.ChoiceField(SERVER_STATES)


class ReadyView(HealthView):
    """200 while posts can be taken, which needs PostgreSQL alone: without RabbitMQ they wait in
    the outbox, and without Valkey nothing that counts is missing."""

    @extend_schema(responses={200: ReadySerializer, 503: ReadySerializer}, tags=["health"])
    def get(self, request) -> Response:
        states = {
            "database": _state(_ask_database),
            "broker": _state(_ask_broker),
            "cache": _state(_ask_cache),
        }
        status = 200 if states["database"] == "ok" else 503
        return Response({"status": "ok" if status == 200 else "down"} | states, status=status)


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
    with links.connect(settings.BROKER_URL, timeout=TIMEOUT_SECONDS) as broker:
        broker.connect()


def _ask_cache() -> None:
    with Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    ) as cache:
        cache.ping()
