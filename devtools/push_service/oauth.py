"""Google's token endpoint, POST /token: exchanges a service account's signed assertion for a bearer
token.

RFC 7523, as described at https://developers.google.com/identity/protocols/oauth2/service-account.
"""

import secrets
import time
from collections.abc import Callable

from aiohttp import web
from joserfc.jwk import RSAKey

from devtools.push_service.answers import CREATED, Answer, AnswerBook
from devtools.push_service.jose import expires_within, verified
from devtools.push_service.replies import give

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LONGEST_LIFE = 3600

# The token that stands for this endpoint in AnswerBook.
OAUTH = "oauth"


class GrantError(Exception):
    """The request gets no bearer token; `code` is an error of RFC 6749, section 5.2."""

    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


def verify_assertion(assertion: str, *, key: RSAKey | None, aud: str, now: float) -> None:
    """Verify an RS256 assertion that is valid for at most an hour and for FCM's scope. Raises
    GrantError."""
    if key is None:
        raise GrantError("invalid_grant", "no service account is known here")
    try:
        token = verified(assertion, key, "RS256")
    except ValueError as error:
        raise GrantError("invalid_grant", f"Invalid JWT Signature. {error}") from error
    if token.claims.get("aud") != aud or not token.claims.get("iss"):
        raise GrantError("invalid_grant", f"aud is not {aud}, or iss is missing")
    if not expires_within(token, LONGEST_LIFE, now):
        raise GrantError("invalid_grant", "Token must be a short-lived token (60 minutes)")
    if SCOPE not in str(token.claims.get("scope", "")).split():
        raise GrantError("invalid_scope", f"scope is not {SCOPE}")


class TokenEndpoint:
    """Issues bearer tokens and checks them; `requests` counts every call."""

    def __init__(
        self,
        answers: AnswerBook,
        public_key: bytes | None = None,
        clock: Callable[[], float] = time.time,
    ):
        """`public_key` is the service account's, in PEM; without it no token is issued."""
        self.answers = answers
        self.key = RSAKey.import_key(public_key) if public_key else None
        self.clock = clock
        self.requests = 0
        self.expiries: dict[str, float] = {}

    async def issue(self, request: web.Request) -> web.Response:
        self.requests += 1
        form = await request.post()
        aud = f"{request.scheme}://{request.host}{request.path}"
        try:
            if form.get("grant_type") != GRANT_TYPE:
                raise GrantError("unsupported_grant_type", f"grant_type is not {GRANT_TYPE}")
            assertion = str(form.get("assertion", ""))
            verify_assertion(assertion, key=self.key, aud=aud, now=self.clock())
        except GrantError as error:
            refusal = {"error": error.code, "error_description": str(error)}
            return web.json_response(refusal, status=400)
        return await give(self.answers.take(OAUTH), request, self.respond)

    def respond(self, answer: Answer) -> web.Response:
        if answer.status not in (0, 200, CREATED):
            refusal = {"error": "internal_failure"}
            return web.json_response(refusal, status=answer.status, headers=answer.headers)
        token = secrets.token_urlsafe(32)
        self.expiries[f"Bearer {token}"] = self.clock() + LONGEST_LIFE
        grant = {"access_token": token, "expires_in": LONGEST_LIFE - 1, "token_type": "Bearer"}
        return web.json_response(grant)

    def accepts(self, authorization: str) -> bool:
        """True if an Authorization header has a token of ours that has not expired."""
        return self.expiries.get(authorization, 0.0) > self.clock()
