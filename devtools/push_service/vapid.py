"""VAPID (RFC 8292): identifies the application server that sends a push."""

import re
import time
from collections.abc import Callable

from joserfc.jwk import ECKey
from joserfc.jwt import Token

from devtools.push_service.jose import decode_base64url, encode_base64url, expires_within, verified

LONGEST_LIFE = 24 * 3600
REMEMBERED = 10_000
# RFC 8292, section 2.1 makes `sub` optional; Apple and Mozilla require it
# (blog.videah.net/web-push-pitfall). Apple answers 403 BadJwtToken to localhost and to addresses
# that cannot be real (github.com/web-push-libs/web-push/issues/947).
SUBJECT = re.compile(
    r"(?:mailto:[^@\s]+@|https://)(?:[a-z0-9-]+\.)+(?!(?:invalid|localhost)\b)[a-z][a-z0-9-]+\S*",
    re.IGNORECASE,
)
PARAMETERS = re.compile(r"\s*([tk])\s*=\s*\"?([A-Za-z0-9._-]+)\"?\s*")


class VapidError(Exception):
    """Credentials are missing (status 401) or invalid (403), RFC 8292 section 4.2."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


def verify_vapid(authorization: str | None, *, origin: str, now: float, key: str | None) -> Token:
    """Verify an `Authorization: vapid t=…, k=…` header and return its token.

    `origin` is the push service's origin, `now` is in epoch seconds, and `key` is the only
    application server key that is allowed (unpadded base64url; None allows any). Raises VapidError.
    """
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "vapid":
        raise VapidError(401, "Authorization: vapid is missing")
    matches = map(PARAMETERS.fullmatch, credentials.split(","))
    parameters = dict(match.groups() for match in matches if match)
    if parameters.keys() != {"t", "k"}:
        raise VapidError(401, "t or k is missing")
    if key is not None and parameters["k"] != key:
        raise VapidError(403, "k is not the key this subscription was made for")
    try:
        token = verified(parameters["t"], public_key(parameters["k"]), "ES256")
    except ValueError as error:
        raise VapidError(403, f"t is not signed by k: {error}") from error
    check_claims(token, origin=origin, now=now)
    return token


def public_key(text: str) -> ECKey:
    """The key at an uncompressed point on P-256 (RFC 8292, section 3.2). Raises ValueError."""
    point = decode_base64url(text)
    if len(point) != 65 or point[0] != 4:
        raise ValueError("k is not an uncompressed point on P-256")
    x, y = encode_base64url(point[1:33]), encode_base64url(point[33:])
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})


def check_claims(token: Token, *, origin: str, now: float) -> None:
    # RFC 8292, section 2: the origin of the push service, without a path or a default port.
    if token.claims.get("aud") != origin:
        raise VapidError(403, f"aud is not {origin}")
    # RFC 8292, section 2: "MUST NOT be more than 24 hours from the time of the request".
    if not expires_within(token, LONGEST_LIFE, now):
        raise VapidError(403, "exp is not within the next 24 hours")
    if not SUBJECT.fullmatch(str(token.claims.get("sub", ""))):
        raise VapidError(403, "sub is not a mailto: or https: address of a real domain")


class VapidGate:
    """Accepts signed requests. A header that was verified before is only looked up.

    Senders use one token for hours, and an ES256 verification takes longer than everything else in
    a request, which would be measured as the sender's latency.
    """

    def __init__(self, key: str | None = None, clock: Callable[[], float] = time.time):
        self.key = key
        self.clock = clock
        self.verified: dict[tuple[str | None, str], Token] = {}

    def check(self, authorization: str | None, origin: str) -> None:
        """Raises VapidError unless the header is valid for this origin now."""
        now = self.clock()
        token = self.verified.get((authorization, origin))
        if token is None:
            token = verify_vapid(authorization, origin=origin, now=now, key=self.key)
            if len(self.verified) >= REMEMBERED:
                self.verified.clear()
            self.verified[authorization, origin] = token
        check_claims(token, origin=origin, now=now)
