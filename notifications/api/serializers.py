"""What a device sends to be registered, and what is shown of it."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric import ec
from rest_framework import serializers

from notifications.endpoints import EndpointError, check_endpoint
from social.api.serializers import StrictSerializer


class KeysSerializer(StrictSerializer):
    p256dh = serializers.CharField(max_length=100)
    auth = serializers.CharField(max_length=50)

    def validate_p256dh(self, value: str) -> str:
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(value))
        except ValueError as error:
            raise serializers.ValidationError("This is no P-256 public key.") from error
        return value

    def validate_auth(self, value: str) -> str:
        try:
            length = len(_decoded(value))
        except ValueError:
            length = 0
        if length != 16:
            raise serializers.ValidationError("This is no secret of 16 bytes.")
        return value


class SubscriptionSerializer(StrictSerializer):
    """As PushSubscription.toJSON() of a browser gives it, and a name."""

    id = serializers.IntegerField(read_only=True)
    endpoint = serializers.CharField(max_length=1000, write_only=True)
    expirationTime = serializers.IntegerField(required=False, allow_null=True, write_only=True)
    keys = KeysSerializer(write_only=True)
    name = serializers.CharField(max_length=100, required=False, default="")
    created_at = serializers.DateTimeField(read_only=True)

    def validate_endpoint(self, value: str) -> str:
        try:
            check_endpoint(value)
        except EndpointError as error:
            raise serializers.ValidationError(str(error)) from error
        return value


class PublicKeySerializer(serializers.Serializer):
    public_key = serializers.CharField()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(text) from error
