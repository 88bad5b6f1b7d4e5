"""The JSON of a post's delivery."""

from typing import Any

from rest_framework import serializers

from notifications.models import Delivery


class TimelinesSerializer(serializers.Serializer[Any]):
    """Null for posts whose timeline rows have expired."""

    written = serializers.IntegerField(allow_null=True)
    expected = serializers.IntegerField(
        allow_null=True, help_text="Written or still to be written."
    )


class LatenciesSerializer(serializers.Serializer[Any]):
    """Milliseconds from the post to the push service's answer; null if no push was sent."""

    p50 = serializers.IntegerField(allow_null=True)
    p95 = serializers.IntegerField(allow_null=True)
    p99 = serializers.IntegerField(allow_null=True)


class PushStatesSerializer(serializers.Serializer[Any]):
    """The number of pushes in each state; null for posts whose pushes have expired."""

    held = serializers.IntegerField(
        allow_null=True, help_text="Not sent because of a preference of the follower."
    )
    sending = serializers.IntegerField(allow_null=True)
    retrying = serializers.IntegerField(allow_null=True, help_text="Will be retried.")
    sent = serializers.IntegerField(allow_null=True, help_text="Accepted by the push service.")
    failed = serializers.IntegerField(allow_null=True, help_text="Could not be sent at all.")
    expired = serializers.IntegerField(allow_null=True, help_text="Too old to be sent.")
    refused = serializers.IntegerField(
        allow_null=True, help_text="Refused for good, or no longer wanted."
    )


class PostDeliverySerializer(serializers.Serializer[Any]):
    """Figures about too few users are null: fewer than 10, unless the server sets another limit."""

    example = {
        "state": "delivered",
        "followers": 1000,
        "timelines": {"written": 940, "expected": 940},
        "pushes": dict.fromkeys(Delivery.State.values, 0) | {"sent": 310, "refused": 2},
        "push_latency_ms": {"p50": 300, "p95": 900, "p99": 1500},
    }
    state = serializers.ChoiceField(["under way", "delivered"])
    followers = serializers.IntegerField(help_text="The author's followers now.")
    timelines = TimelinesSerializer(source="*", allow_null=True)
    pushes = PushStatesSerializer(allow_null=True)
    push_latency_ms = LatenciesSerializer(source="latencies_ms", allow_null=True)
