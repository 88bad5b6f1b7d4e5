"""Access tokens of a Google service account, fetched when needed and cached for an hour.

See RFC 7523 and https://developers.google.com/identity/protocols/oauth2/service-account.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import jwt

from notifications.delivery.transports import UnavailableError
from notifications.reasons import describe

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LIFE = timedelta(hours=1)
MAX_LIFE_SECONDS = 86_400
# The values that are read from a key file.
KEYS = ("project_id", "client_email", "private_key", "private_key_id", "token_uri")
# A token is replaced this long before it expires, so that none expires during a request.
MARGIN = timedelta(minutes=5)


class KeyFileError(UnavailableError):
    """The key file of the service account is unusable. The message says why and contains nothing of
    the key."""


def read_key(path: str) -> dict[str, str]:
    """Read the key file of a service account, in the form that Firebase's console provides. Raises
    KeyFileError if the key cannot be used to get a token."""
    try:
        key = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise KeyFileError(f"it cannot be read: {describe(error)}") from error
    if not isinstance(key, dict):
        raise KeyFileError("it is not a JSON object")
    if unusable := sorted(name for name in KEYS if not usable(key.get(name))):
        raise KeyFileError(f"it has no usable {', '.join(unusable)}")
    try:
        sign(key, {})
    # cryptography and PyJWT raise various errors; PyJWT's InvalidKeyError is not a ValueError.
    except Exception as error:
        hint = "; it has \\n instead of line ends" if "\\n" in key["private_key"] else ""
        raise KeyFileError(f"its private_key is not an RSA key in PEM{hint}") from error
    return key


def usable(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isascii()


def sign(key: Mapping[str, str], claims: Mapping[str, object]) -> str:
    headers = {"kid": key["private_key_id"]}
    return jwt.encode(dict(claims), key["private_key"], algorithm="RS256", headers=headers)


class TokenSource:
    """The access token of one service account. `key` is the content of its key file."""

    def __init__(self, key: Mapping[str, str]) -> None:
        self._key = key
        self._token = ""
        self._renew_at: datetime | None = None
        # If many pushes at once find no token, only one of them fetches it.
        self._fetching = asyncio.Lock()

    async def token(self, http: aiohttp.ClientSession, *, now: datetime) -> str:
        """The current access token. Raises UnavailableError if Google does not issue one."""
        async with self._fetching:
            if self._renew_at is None or self._renew_at <= now:
                self._token, life = await self._fetch(http, now)
                self._renew_at = now + life - MARGIN
            return self._token

    def forget(self, token: str) -> None:
        """Drop a token that was refused, so that the next push fetches a new one."""
        if token == self._token:
            self._renew_at = None

    async def _fetch(self, http: aiohttp.ClientSession, now: datetime) -> tuple[str, timedelta]:
        form = {"grant_type": GRANT_TYPE, "assertion": self._assertion(now)}
        async with http.post(self._key["token_uri"], data=form, allow_redirects=False) as response:
            if response.status != 200:
                raise UnavailableError(f"no access token: answered {response.status}")
            try:
                grant = json.loads(await response.read())
                token, seconds = grant["access_token"], float(grant["expires_in"])
            except (ValueError, TypeError, LookupError, OverflowError) as error:
                raise UnavailableError("no access token: the answer is invalid") from error
            if not (usable(token) and token.isprintable() and 0 < seconds <= MAX_LIFE_SECONDS):
                raise UnavailableError("no access token: the answer is invalid")
            return token, timedelta(seconds=seconds)

    def _assertion(self, now: datetime) -> str:
        claims = {
            "iss": self._key["client_email"],
            "scope": SCOPE,
            "aud": self._key["token_uri"],
            "iat": now,
            "exp": now + LIFE,
        }
        return sign(self._key, claims)
