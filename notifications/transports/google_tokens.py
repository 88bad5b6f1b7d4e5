"""Access tokens of a Google service account, fetched when they are needed and kept for an hour.

RFC 7523, as https://developers.google.com/identity/protocols/oauth2/service-account has it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import aiohttp
import jwt

from notifications.transports import UnavailableError

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LIFE = timedelta(hours=1)
# A token is replaced this long before it ends, so that none ends on its way.
MARGIN = timedelta(minutes=5)
ANSWER_LIMIT = 16_384


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
            grant = await response.json()
            return grant["access_token"], timedelta(seconds=grant["expires_in"])

    def _assertion(self, now: datetime) -> str:
        claims = {
            "iss": self._key["client_email"],
            "scope": SCOPE,
            "aud": self._key["token_uri"],
            "iat": now,
            "exp": now + LIFE,
        }
        key_id = {"kid": self._key["private_key_id"]}
        return jwt.encode(claims, self._key["private_key"], algorithm="RS256", headers=key_id)
