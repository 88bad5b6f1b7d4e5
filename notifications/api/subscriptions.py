"""Devices over REST."""

from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from events.errors import PassingError, wrap_passing_errors
from notifications import subscriptions, tasks
from notifications.api.registrations import (
    POINT,
    PushTokenSerializer,
    SubscriptionSerializer,
    WebPushSerializer,
    registration_of,
)
from notifications.delivery import webpush
from notifications.models import PushSubscription
from social.api.description import may_answer
from social.api.problems import Unavailable
from social.api.requests import AuthenticatedRequest

BROKER_WAIT_SECONDS = 5


class TooManyDevices(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = subscriptions.TooManyDevicesError.__doc__
    default_code = "too_many_devices"


class PublicKeySerializer(serializers.Serializer[Any]):
    example = {"public_key": POINT}
    public_key = serializers.CharField()


class PublicKeyView(APIView):
    """The key with which a browser creates a subscription (applicationServerKey)."""

    @extend_schema(responses=PublicKeySerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        return Response({"public_key": webpush.public_key(settings.VAPID_PRIVATE_KEY)})


class SubscriptionsView(GenericAPIView[Any]):
    """Your devices, 16 at most."""

    serializer_class = SubscriptionSerializer

    @extend_schema(responses=SubscriptionSerializer(many=True))
    def get(self, request: AuthenticatedRequest) -> Response:
        devices = request.user.push_subscriptions.order_by("id")
        return Response(self.get_serializer(devices, many=True).data)

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="Device",
            serializers=[WebPushSerializer, PushTokenSerializer],
            resource_type_field_name=None,
        ),
        responses={201: SubscriptionSerializer, 200: SubscriptionSerializer} | may_answer(409),
    )
    def post(self, request: AuthenticatedRequest) -> Response:
        """Register a device. The first one turns notifications on. A device that another user has
        registered moves to you."""
        registration = registration_of(request.data)
        registration.is_valid(raise_exception=True)
        try:
            device, created = subscriptions.register(
                request.user,
                **registration.to_registration(),
                token=request.auth,
                now=timezone.now(),
            )
        except subscriptions.LoggedOutError as error:
            raise AuthenticationFailed("Invalid token.") from error
        except subscriptions.TooManyDevicesError as error:
            raise TooManyDevices from error
        except subscriptions.ReservedError as error:
            raise serializers.ValidationError({"token": [str(error)]}) from error
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(self.get_serializer(device).data, status=code)


class SubscriptionView(GenericAPIView[Any]):
    """One device."""

    request: AuthenticatedRequest
    serializer_class = SubscriptionSerializer

    def get_object(self) -> PushSubscription:
        return get_object_or_404(self.request.user.push_subscriptions, pk=self.kwargs["pk"])

    def get(self, request: AuthenticatedRequest, pk: int) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def patch(self, request: AuthenticatedRequest, pk: int) -> Response:
        """Rename the device."""
        device = self.get_object()
        change = self.get_serializer(data=request.data)
        change.is_valid(raise_exception=True)
        subscriptions.rename(device, change.validated_data["name"])
        return Response(self.get_serializer(device).data)

    @extend_schema(responses={204: None})
    def delete(self, request: AuthenticatedRequest, pk: int) -> Response:
        """Remove the device; it gets no more pushes."""
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class TestView(SubscriptionView):
    """Test whether pushes reach a device."""

    http_method_names = ("post", "options")

    @extend_schema(request=None, responses={202: SubscriptionSerializer})
    def post(self, request: AuthenticatedRequest, pk: int) -> Response:
        """Send a test push to this device within seconds; `test` then has the result."""
        device = self.get_object()
        try:
            with wrap_passing_errors():
                tasks.enqueue_trial(device)
        except subscriptions.TestedError as error:
            raise Throttled(wait=subscriptions.TEST_INTERVAL.total_seconds()) from error
        except PassingError as error:
            raise Unavailable(BROKER_WAIT_SECONDS) from error
        device.refresh_from_db()
        return Response(self.get_serializer(device).data, status=status.HTTP_202_ACCEPTED)
