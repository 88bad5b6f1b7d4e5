"""Passwords over REST: change one with the old password, or reset it by mail."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from social import accounts, attempts, forgotten_passwords
from social.api import account_serializers as serializers
from social.api.description import may_answer
from social.api.requests import AuthenticatedRequest


class PasswordView(GenericAPIView[Any]):
    """Change one's password; all other devices are logged out."""

    serializer_class = serializers.PasswordChangeSerializer
    throttle_scope = "login"

    @extend_schema(responses={204: None} | may_answer(403))
    def post(self, request: AuthenticatedRequest) -> Response:
        change = self.get_serializer(data=request.data)
        change.is_valid(raise_exception=True)
        accounts.change_password(request.user, change.validated_data["password"], keep=request.auth)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ForgottenView(GenericAPIView[Any]):
    """Request a mail to set a new password. The answer is the same whether or not an account has
    the address. An address gets at most one mail in ten minutes; it has a link for each of the
    address's five oldest accounts."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = serializers.ForgottenSerializer
    throttle_scope = "login"

    @extend_schema(responses={202: None})
    def post(self, request: Request) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        forgotten_passwords.request(given.validated_data["email"], now=timezone.now())
        return Response(status=status.HTTP_202_ACCEPTED)


class ResetView(GenericAPIView[Any]):
    """Set a new password with the token from the mail; all devices are logged out."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = serializers.ResetSerializer
    throttle_scope = "login"

    @extend_schema(responses={204: None} | may_answer(403))
    def post(self, request: Request) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        reset = given.validated_data
        with (
            serializers.password_checked(),
            attempts.counted(request._request, f"id:{reset['user_id']}") as attempt,
        ):
            try:
                forgotten_passwords.reset(reset["user_id"], reset["token"], reset["password"])
            except forgotten_passwords.ResetRefusedError:
                attempt.failed = True
                raise
        return Response(status=status.HTTP_204_NO_CONTENT)
