"""Bearer tokens, with the time of their last use kept to the minute."""

from datetime import timedelta

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.exceptions import AuthenticationFailed
from structlog.contextvars import bind_contextvars

from social.models import Token

USE_RESOLUTION = timedelta(minutes=1)


class TokenAuthentication(KnoxAuthentication):
    def authenticate_credentials(self, token: bytes):
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        user, auth_token = super().authenticate_credentials(token)
        bind_contextvars(user_id=user.pk)
        now = timezone.now()
        # One write a minute and token at most: a read must not cost a row's new version each time.
        if auth_token.last_used_at is None or auth_token.last_used_at < now - USE_RESOLUTION:
            Token.objects.filter(pk=auth_token.pk).update(last_used_at=now)
        return user, auth_token

    def _cleanup_token(self, auth_token: Token) -> bool:
        """Whether this token has expired. Knox would look at all of the user's tokens here, with
        one more query for each request."""
        if auth_token.expiry is None or auth_token.expiry >= timezone.now():
            return False
        auth_token.delete()
        return True


class TokenScheme(OpenApiAuthenticationExtension):
    """How the API's description tells of the tokens; found by being imported."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema) -> dict:
        return {"type": "http", "scheme": "bearer"}
