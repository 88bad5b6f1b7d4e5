"""VAPID (RFC 8292): which application server sends a push, checked by `cryptography` alone.

The senders sign with py-vapid, so a fault shared by signer and verifier cannot hide here.
"""

import re
import time
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from devtools.push_service.jose import Jwt, decode_base64url

LONGEST_LIFE = 24 * 3600
REMEMBERED = 10_000
# RFC 8292, section 2.1 lets it out; Apple and Mozilla do not (blog.videah.net/web-push-pitfall).
# Apple answers 403 BadJwtToken to localhost and to what cannot be real
# (github.com/web-push-libs/web-push/issues/947).
SUBJECT = re.compile(
    r"(?:mailto:[^@\s]+@|https://)(?:[a-z0-9-]+\.)+(?!(?:invalid|localhost)\b)[a-z][a-z0-9-]+\S*",
    re.IGNORECASE,
)
PARAMETERS = re.compile(r"\s*([tk])\s*=\s*\"?([A-Za-z0-9._-]+)\"?\s*")


class VapidError(Exception):
    """Credentials are missing (status 401) or do not hold (403), RFC 8292 section 4.2."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


def verify_vapid(authorization: str | None, *, origin: str, now: float, key: str | None) -> Jwt:
    """Verify an `Authorization: vapid t=…, k=…` header and return its token.

    `origin` is the push service's own, `now` in epoch seconds, `key` the one application server
    key that is allowed (unpadded base64url; None allows any). Raises VapidError.
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
        jwt = Jwt.parse(parameters["t"])
        verify_signature(jwt, decode_base64url(parameters["k"]))
    except (ValueError, InvalidSignature) as error:
        raise VapidError(403, f"t is not signed by k: {error}") from error
    check_claims(jwt, origin=origin, now=now)
    return jwt


def verify_signature(jwt: Jwt, key: bytes) -> None:
    """ES256: r and s in 32 bytes each (RFC 7518, section 3.4)."""
    if jwt.algorithm != "ES256" or len(jwt.signature) != 64:
        raise ValueError("the algorithm is not ES256")
    r, s = (int.from_bytes(half) for half in (jwt.signature[:32], jwt.signature[32:]))
    public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    public_key.verify(utils.encode_dss_signature(r, s), jwt.signed, ec.ECDSA(SHA256()))


def check_claims(jwt: Jwt, *, origin: str, now: float) -> None:
    # RFC 8292, section 2: the origin of the push service, without a path or a default port.
    if jwt.claims.get("aud") != origin:
        raise VapidError(403, f"aud is not {origin}")
    # RFC 8292, section 2: "MUST NOT be more than 24 hours from the time of the request".
    if not jwt.expires_within(LONGEST_LIFE, now):
        raise VapidError(403, "exp is not within the next 24 hours")
    if not SUBJECT.fullmatch(str(jwt.claims.get("sub", ""))):
        raise VapidError(403, "sub is no mailto: or https: address of a real domain")


class VapidGate:
    """Lets signed requests in; a header that came before costs a look-up, not a verification.

    Senders reuse one token for hours, and an ES256 verification takes longer than the rest of
    a request, which would be measured as the sender's latency.
    """

    def __init__(self, key: str | None = None, clock: Callable[[], float] = time.time):
        self.key = key
        self.clock = clock
        self.verified: dict[tuple[str | None, str], Jwt] = {}

    def check(self, authorization: str | None, origin: str) -> None:
        """Raises VapidError unless the header holds for this origin now."""
        now = self.clock()
        jwt = self.verified.get((authorization, origin))
        if jwt is None:
            jwt = verify_vapid(authorization, origin=origin, now=now, key=self.key)
            if len(self.verified) >= REMEMBERED:
                self.verified.clear()
            self.verified[authorization, origin] = jwt
        check_claims(jwt, origin=origin, now=now)
