"""Mail addresses over REST. A change needs the password, and a token mailed to the new address."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from social import addresses
from social.api import account_serializers as serializers
from social.api.description import may_answer
from social.api.requests import AuthenticatedRequest


class EmailView(GenericAPIView[Any]):
    """Change one's mail address: we send a mail with a link to the new address. The old address
    stays in use until the new one is confirmed with the token from that link. An empty address
    removes the present one at once."""

    serializer_class = serializers.EmailSerializer
    throttle_scope = "login"

    @extend_schema(responses={202: None, 204: None} | may_answer(403))
    def put(self, request: AuthenticatedRequest) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        if email := given.validated_data["email"]:
            addresses.request(request.user, email, now=timezone.now())
            return Response(status=status.HTTP_202_ACCEPTED)
        addresses.remove(request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConfirmView(GenericAPIView[Any]):
    """Confirm a mail address with the token from the mail; it becomes the account's address."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = serializers.ConfirmSerializer
    throttle_scope = "login"

    @extend_schema(responses={204: None} | may_answer(403))
    def post(self, request: Request) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        addresses.confirm(given.validated_data["token"])
        return Response(status=status.HTTP_204_NO_CONTENT)
