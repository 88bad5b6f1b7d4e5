"""Serializers of an author's figures."""

from typing import Any

from rest_framework import serializers

from analytics import figures
from analytics.models import Rollup


class PushesSerializer(serializers.Serializer[Any]):
    sent = serializers.IntegerField(source="pushes_sent")
    failed = serializers.IntegerField(source="pushes_failed", help_text="Given up after retries.")
    refused = serializers.IntegerField(
        source="pushes_refused",
        help_text="Refused by the push service for good, or not wanted any more.",
    )
    expired = serializers.IntegerField(source="pushes_expired", help_text="Too old to be sent.")


class FollowersSerializer(serializers.Serializer[Any]):
    gained = serializers.IntegerField()
    lost = serializers.IntegerField()


class LatencySerializer(serializers.Serializer[Any]):
    """Percentiles in milliseconds; null if there are no values."""

    p50 = serializers.IntegerField(allow_null=True)
    p95 = serializers.IntegerField(allow_null=True)
    p99 = serializers.IntegerField(allow_null=True)

    def to_representation(self, histogram: list[int]) -> dict[str, Any]:
        return figures.percentiles_ms(histogram)


class FiguresSerializer(serializers.Serializer[Any]):
    """The figures of one day or hour that has any. Figures that are about fewer than ten people per
    post (unless the server is set to another number) are null."""

    example = {
        "starts_at": "2026-01-15T00:00:00Z",
        "posts": 3,
        "reach": 3000,
        "pushes": {"sent": 1200, "failed": 2, "refused": 9, "expired": 0},
        "followers": {"gained": 5, "lost": 1},
        "timeline_latency_ms": {"p50": 60, "p95": 120, "p99": 200},
        "push_latency_ms": {"p50": 300, "p95": 900, "p99": 1500},
    }
    starts_at = serializers.DateTimeField()
    posts = serializers.IntegerField()
    reach = serializers.IntegerField(
        help_text="The number of timelines into which posts were written.", allow_null=True
    )
    pushes = PushesSerializer(source="*", allow_null=True)
    followers = FollowersSerializer(source="*")
    timeline_latency_ms = LatencySerializer(source="timeline_latency", allow_null=True)
    push_latency_ms = LatencySerializer(source="push_latency", allow_null=True)

    def to_representation(self, rollup: Rollup) -> dict[str, Any]:
        return super().to_representation(rollup) | dict.fromkeys(figures.about_few(rollup))


class FiguresPageSerializer(serializers.Serializer[Any]):
    example = {"results": [FiguresSerializer.example]}
    results = FiguresSerializer(many=True)


class SpanSerializer(serializers.Serializer[Any]):
    """The first and the last day to list; without them, the latest days."""

    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)
