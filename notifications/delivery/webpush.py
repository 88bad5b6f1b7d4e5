"""Web Push: RFC 8030 requests, bodies encrypted by RFC 8291, signed by VAPID (RFC 8292)."""

import base64
import time
from functools import lru_cache

import http_ece
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

# The size that a push service must accept (RFC 8030, section 7.2), minus the 103 bytes that the
# encryption adds.
PLAINTEXT_LIMIT = 4_096 - 103
# A signature may be valid for at most 24 hours (RFC 8292, section 2). Half of that leaves room for
# clocks that are wrong.
SIGNATURE_SECONDS = 12 * 3600
# How many signatures are cached. Users choose the origins of their endpoints
# (`*.notify.windows.com`), so there may be more; then the oldest signature is dropped, and made
# again when it is needed.
MAX_SIGNATURES = 1_000


class Signer:
    """Makes the VAPID headers of one application server. There is one per origin, cached for
    hours."""

    def __init__(self, private_key: str, subject: str):
        self._vapid = Vapid02.from_raw(private_key.encode())
        self._subject = subject
        self._cached: dict[str, tuple[float, str]] = {}

    @property
    def public_key(self) -> str:
        """The key that a browser passes as applicationServerKey: 65 bytes in unpadded base64url."""
        return _public_key(self._vapid)

    def authorization(self, endpoint: str, now: float | None = None) -> str:
        now = time.time() if now is None else now
        audience = origin(endpoint)
        renew_at, header = self._cached.get(audience, (0.0, ""))
        if renew_at < now:
            claims = {
                "aud": audience,
                "sub": self._subject,
                "exp": int(now) + SIGNATURE_SECONDS,
            }
            # Not Vapid02.sign(), which refuses an https: subject with a path.
            token = jwt.encode(claims, self._vapid.private_key, algorithm="ES256")
            header = f"vapid t={token},k={self.public_key}"
            self._cached.pop(audience, None)
            if len(self._cached) >= MAX_SIGNATURES:
                del self._cached[next(iter(self._cached))]
            self._cached[audience] = (now + SIGNATURE_SECONDS / 2, header)
        return header


@lru_cache
def public_key(private_key: str) -> str:
    """The public key of VAPID_PRIVATE_KEY, in the form of Signer.public_key."""
    return _public_key(Vapid02.from_raw(private_key.encode()))


def _public_key(vapid: Vapid02) -> str:
    point = vapid.public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def origin(endpoint: str) -> str:
    """The origin of an endpoint: scheme and host, and the port unless it is the default of https
    (RFC 6454, section 6.2). `check_endpoint` must have accepted the endpoint: its form is so strict
    that no URL parser is needed."""
    found = "/".join(endpoint.split("/", 3)[:3])
    return found.removesuffix(":443") if found.startswith("https:") else found


def headers(*, topic: str, urgency: str, ttl: int, authorization: str) -> dict[str, str]:
    """The headers of a push. `topic` is valid base64url of at most 32 characters (RFC 8030, section
    5.4); `urgency` is one of the values of section 5.3; `ttl` is in seconds."""
    return {
        "TTL": str(ttl),
        "Urgency": urgency,
        "Topic": topic,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "Authorization": authorization,
    }


def encrypt(
    plaintext: bytes,
    p256dh: str,
    auth: str,
    *,
    private_key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Encrypt the body for one device, with a key pair and a salt that are used for this message
    only (RFC 8291, section 3). Raises ValueError if the device's keys are invalid."""
    encrypted: bytes = http_ece.encrypt(
        plaintext,
        private_key=private_key or ec.generate_private_key(ec.SECP256R1()),
        dh=_unpadded(p256dh),
        auth_secret=_unpadded(auth),
        salt=salt,
        version="aes128gcm",
    )
    return encrypted


@lru_cache(maxsize=10_000)
def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
