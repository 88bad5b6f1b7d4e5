"""Devices over REST."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import subscriptions, webpush
from notifications.api.serializers import PublicKeySerializer, SubscriptionSerializer


class PublicKeyView(APIView):
    """The key that a browser's subscription is made for."""

    @extend_schema(responses=PublicKeySerializer)
    def get(self, request) -> Response:
        signer = webpush.Signer(settings.VAPID_PRIVATE_KEY, settings.VAPID_SUBJECT)
        return Response({"public_key": signer.public_key})


class SubscriptionsView(GenericAPIView):
    """Register a device; the first one turns notifications on."""

    serializer_class = SubscriptionSerializer

    @extend_schema(responses={201: SubscriptionSerializer, 200: SubscriptionSerializer})
    def post(self, request) -> Response:
        device = self.get_serializer(data=request.data)
        device.is_valid(raise_exception=True)
        given = device.validated_data
        row, created = subscriptions.register(
            request.user,
            endpoint=given["endpoint"],
            name=given["name"],
            **given["keys"],
            now=timezone.now(),
        )
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(self.get_serializer(row).data, status=code)
