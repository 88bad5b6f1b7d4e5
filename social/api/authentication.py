"""Authentication by bearer tokens. Records when each token was last used, to the minute."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from hmac import compare_digest
from typing import Any

from django.db import connection
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed
from structlog.contextvars import bind_contextvars

from social.models import Token, User

USE_RESOLUTION = timedelta(minutes=1)


class TokenAuthentication(KnoxAuthentication):
    def authenticate_credentials(self, token: bytes) -> tuple[User, Token]:
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        auth_token = self._known(token.decode())
        user, _ = self.validate_user(auth_token)  # type: ignore[no-untyped-call]  # It has no types.
        bind_contextvars(user_id=user.pk)
        now = timezone.now()
        # At most one write per token and minute: reads should not write a row version each time.
        if auth_token.last_used_at is None or auth_token.last_used_at < now - USE_RESOLUTION:
            Token.objects.filter(pk=auth_token.pk).update(last_used_at=now)
        return user, auth_token

    def _known(self, token: str) -> Token:
        digest = hash_token(token)
        for known in find(token[: CONSTANTS.TOKEN_KEY_LENGTH]):
            if not compare_digest(digest, known.digest):
                continue
            # Expired tokens are refused but not deleted here: subscribers would take a deletion for
            # a revocation. tokens.prune deletes them.
            if known.expiry is None or known.expiry >= timezone.now():
                return known
        raise AuthenticationFailed("Invalid token.")


@cache
def by_key() -> tuple[str, list[str], list[str]]:
    """The SQL of find(), and the attributes of Token and of User that its columns fill. Built once
    per process, because the ORM needs a fifth of a request's time to build it."""
    query = Token.objects.filter(token_key="").select_related("user").query
    of_token, of_user = (
        [field.attname for field in model._meta.concrete_fields] for model in (Token, User)
    )
    return query.sql_with_params()[0], of_token, of_user


def find(key: str) -> Iterator[Token]:
    """The tokens whose text begins with `key`, with their users. The caller must compare digests to
    check the remaining characters."""
    sql, of_token, of_user = by_key()
    with connection.cursor() as cursor:
        cursor.execute(sql, [key])
        rows = cursor.fetchall()
    for row in rows:
        token = Token.from_db(connection.alias, of_token, row[: len(of_token)])
        token.user = User.from_db(connection.alias, of_user, row[len(of_token) :])
        yield token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # It has no types.
    """Describes the tokens in the OpenAPI document. Importing it registers it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}
