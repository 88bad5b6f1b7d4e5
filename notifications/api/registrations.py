"""The serializers of devices: what a client sends to register one, and what the API shows."""

import base64
import binascii
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from rest_framework import serializers

from notifications.delivery import webpush
from notifications.delivery.transports.fcm import MAX_COLLAPSE_KEYS
from notifications.endpoints import EndpointError, canonical
from notifications.models import WEB_PUSH, PushSubscription
from social.api.serializers import StrictSerializer
from social.api.texts import NameField

POINT_BYTES = 65
SECRET_BYTES = 16


# A P-256 point for the examples: RFC 8291, section 5.
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


class SubscriptionSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    """A device. Its address is as good as a password, so it is not shown."""

    example = {
        "id": 5,
        "transport": "web_push",
        "name": "phone",
        "created_at": "2026-01-15T10:30:00Z",
        "tested_at": None,
        "test": None,
    }
    required_in_patch = ["name"]
    name = NameField()

    class Meta:
        model = PushSubscription
        fields = ("id", "transport", "name", "created_at", "tested_at", "test")
        read_only_fields = ("id", "transport", "created_at", "tested_at", "test")


def check_point(value: str) -> str:
    """The P-256 public key, without padding. Raises ValidationError if it is not one."""
    try:
        point = _decoded(value, POINT_BYTES)
        # This also refuses points that are not on the curve.
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        message = f"This is not an uncompressed P-256 public key of {POINT_BYTES} bytes."
        raise serializers.ValidationError(message) from error
    return value.rstrip("=")


class KeysSerializer(StrictSerializer):
    p256dh = serializers.CharField(max_length=100)
    auth = serializers.CharField(max_length=50)

    def validate_p256dh(self, value: str) -> str:
        return check_point(value)

    def validate_auth(self, value: str) -> str:
        try:
            _decoded(value, SECRET_BYTES)
        except ValueError as error:
            message = f"This is not a secret of {SECRET_BYTES} bytes."
            raise serializers.ValidationError(message) from error
        return value.rstrip("=")


class WebPushSerializer(StrictSerializer):
    """The result of a browser's PushSubscription.toJSON(), and a name."""

    example = {
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABo",
        "keys": {
            "p256dh": POINT,
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
        "name": "phone",
    }
    transport = serializers.ChoiceField([WEB_PUSH], default=WEB_PUSH)
    endpoint = serializers.CharField(max_length=1000)
    expirationTime = serializers.IntegerField(required=False, allow_null=True)
    keys = KeysSerializer()
    application_server_key = serializers.CharField(
        max_length=100,
        required=False,
        help_text="The applicationServerKey that the browser used; by default the current key.",
    )
    name = NameField(default="")

    def validate_application_server_key(self, value: str) -> str:
        return check_point(value)

    def validate_endpoint(self, value: str) -> str:
        try:
            return canonical(value)
        except EndpointError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_registration(self) -> dict[str, Any]:
        """The arguments of subscriptions.register."""
        given = self.validated_data
        key = given.get("application_server_key") or webpush.public_key(settings.VAPID_PRIVATE_KEY)
        asked = self.initial_data["endpoint"].strip()
        other = {"other_spelling": asked} if asked != given["endpoint"] else {}
        named = {"endpoint": given["endpoint"], "name": given["name"], **other}
        return named | {"application_server_key": key, **given["keys"]}


class WishesSerializer(StrictSerializer):
    """How the device wants its messages."""

    alert = serializers.BooleanField(
        default=True, help_text="false: only data, which the app shows itself"
    )
    priority = serializers.ChoiceField(
        ["high", "normal"], default="high", help_text="normal: do not wake a sleeping device"
    )
    collapse_keys = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=MAX_COLLAPSE_KEYS,
        help_text="how many messages FCM keeps for a device that is offline; 0: all",
    )


class PushTokenSerializer(StrictSerializer):
    """A registration token, such as an app gets from Firebase Cloud Messaging, and a name."""

    example = {"transport": "fcm", "token": "c1XaMpLeT0kEn", "name": "phone"}
    wishes = WishesSerializer(required=False)
    transport = serializers.CharField(max_length=20, help_text="fcm")
    token = serializers.RegexField(r"\A[A-Za-z0-9_:-]+\Z", max_length=1000)
    name = NameField(default="")

    def validate_transport(self, value: str) -> str:
        # The console writes pushes to the log. It is for developers and the canary only.
        refused = value == "console" and not settings.DEBUG
        if refused or value not in settings.PUSH_TRANSPORTS:
            raise serializers.ValidationError("This transport is not offered here.")
        return value

    def to_registration(self) -> dict[str, Any]:
        given = self.validated_data
        wishes = dict(given.get("wishes", {}))
        own = {name: given[name] for name in ("transport", "name")}
        return {"endpoint": given["token"], "wishes": wishes, **own}


def registration_of(data: object) -> WebPushSerializer | PushTokenSerializer:
    """The serializer for a request's body: a browser's subscription, unless the body names another
    transport."""
    other = isinstance(data, dict) and data.get("transport", WEB_PUSH) != WEB_PUSH
    return (PushTokenSerializer if other else WebPushSerializer)(data=data)


def _decoded(text: str, length: int) -> bytes:
    """Decode base64url, padded or not. Raises ValueError unless it decodes to `length` bytes."""
    try:
        padded = text + "=" * (-len(text) % 4)
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(text) from error
    if len(decoded) != length:
        raise ValueError(text)
    return decoded
