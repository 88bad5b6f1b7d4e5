"""Bearer tokens, with the time of their last use kept to the minute."""

from datetime import timedelta

from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxAuthentication

USE_RESOLUTION = timedelta(minutes=1)


class TokenAuthentication(KnoxAuthentication):
    def authenticate_credentials(self, token: bytes):
        user, auth_token = super().authenticate_credentials(token)
        now = timezone.now()
        # One write a minute and token at most: a read must not cost a row's new version each time.
        if auth_token.last_used_at is None or auth_token.last_used_at < now - USE_RESOLUTION:
            type(auth_token).objects.filter(pk=auth_token.pk).update(last_used_at=now)
        return user, auth_token
