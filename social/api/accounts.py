"""Accounts over REST: register, log in and out, read, change and close one's own account."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import CreateAPIView, GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from social import accounts, addresses, follow_counts, profiles
from social.api import account_serializers as serializers
from social.api import shapes
from social.api.description import may_answer
from social.api.requests import AuthenticatedRequest
from social.models import Profile, User
from social.overload import gauge


class RegisterView(CreateAPIView[User]):
    """Create an account."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = serializers.RegistrationSerializer
    throttle_scope = "login"

    def perform_create(self, serializer: BaseSerializer[User]) -> None:
        gauge.check()
        super().perform_create(serializer)


class LoginView(GenericAPIView[Any]):
    """Log in: create a token for one device. Only this answer shows it; we keep only a digest."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = serializers.LoginSerializer
    throttle_scope = "login"

    @extend_schema(responses={200: serializers.LoginAnswerSerializer} | may_answer(403))
    def post(self, request: Request) -> Response:
        login = self.get_serializer(data=request.data)
        login.is_valid(raise_exception=True)
        user = login.validated_data["user"]
        row, token = accounts.log_in(user, login.validated_data["device"])
        answer = {"token": token, "expires_at": row.expiry, "user": user}
        return Response(serializers.LoginAnswerSerializer(answer).data)


class LogoutView(APIView):
    """Log out: revoke the token of this request."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: AuthenticatedRequest) -> Response:
        request.auth.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(GenericAPIView[Any]):
    """Read one's own account."""

    serializer_class = serializers.ProfileChangeSerializer

    @extend_schema(responses=serializers.MeSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        return self._answer(profiles.of(request.user))

    @extend_schema(responses=serializers.MeSerializer)
    def patch(self, request: AuthenticatedRequest) -> Response:
        """Change one's display name, bio, language or time zone."""
        given = self.get_serializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return self._answer(profiles.change(request.user, given.validated_data))

    def _answer(self, said: Profile) -> Response:
        user = said.user
        own = {
            "language": said.language,
            "time_zone": said.time_zone,
            "email": user.email,
            "new_email": addresses.unconfirmed(user),
        }
        return Response(shapes.profile(said, follow_counts.read(user.pk)) | own)


class CloseView(GenericAPIView[Any]):
    """Close one's own account: it disappears at once; its posts, follows and devices are erased
    soon after."""

    serializer_class = serializers.PasswordConfirmation
    throttle_scope = "login"

    @extend_schema(responses={204: None} | may_answer(403))
    def post(self, request: AuthenticatedRequest) -> Response:
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        gauge.check_reserve()
        accounts.close(request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
