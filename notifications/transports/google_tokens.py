"""Access tokens of a Google service account, fetched when they are needed and kept for an hour.

RFC 7523, as https://developers.google.com/identity/protocols/oauth2/service-account has it.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import jwt

from notifications.reasons import words
from notifications.transports import UnavailableError

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LIFE = timedelta(hours=1)
LONGEST_SECONDS = 86_400
# What is read of a key file.
KEYS = ("project_id", "client_email", "private_key", "private_key_id", "token_uri")
# A token is replaced this long before it ends, so that none ends on its way.
MARGIN = timedelta(minutes=5)


class KeyFileError(UnavailableError):
    """The file is no key of a service account; the message says why, and nothing of the key."""


def read_key(path: str) -> dict[str, str]:
    """The key file of a service account, as Firebase's console hands it out. Raises KeyFileError
    for one with which no token can be had."""
    try:
        key = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise KeyFileError(f"it cannot be read: {words(error)}") from error
    if not isinstance(key, dict):
        raise KeyFileError("it is no JSON object")
    if unusable := sorted(name for name in KEYS if not usable(key.get(name))):
        raise KeyFileError(f"it has no usable {', '.join(unusable)}")
    try:
        sign(key, {})
    # Whatever cryptography and PyJWT make of it, whose InvalidKeyError is no ValueError.
    except Exception as error:
        what = "with \\n where it should have line ends" if "\\n" in key["private_key"] else ""
        raise KeyFileError(f"its private_key is no RSA key in PEM {what}".rstrip()) from error
    return key


def usable(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isascii()


def sign(key: Mapping[str, str], claims: Mapping[str, object]) -> str:
    headers = {"kid": key["private_key_id"]}
    return jwt.encode(dict(claims), key["private_key"], algorithm="RS256", headers=headers)


class TokenSource:
    """The access token of one service account, whose key file is given."""

    def __init__(self, key: Mapping[str, str]) -> None:
        self._key = key
        self._token = ""
        self._renew_at: datetime | None = None
        # Many pushes at once find no token; one of them fetches it.
        self._fetching = asyncio.Lock()

    async def token(self, http: aiohttp.ClientSession, *, now: datetime) -> str:
        """Raises UnavailableError where Google gives none."""
        async with self._fetching:
            if self._renew_at is None or self._renew_at <= now:
                self._token, life = await self._fetch(http, now)
                self._renew_at = now + life - MARGIN
            return self._token

    def forget(self, token: str) -> None:
        """The token was refused: the next one is fetched anew."""
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
                raise UnavailableError("no access token: the answer is not understood") from error
            if not (usable(token) and token.isprintable() and 0 < seconds <= LONGEST_SECONDS):
                raise UnavailableError("no access token: the answer is not understood")
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
