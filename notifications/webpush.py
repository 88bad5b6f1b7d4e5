"""Web Push: RFC 8030 requests, bodies encrypted by RFC 8291, signed by VAPID (RFC 8292)."""

import base64
import time
from functools import lru_cache

import http_ece
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

# What a push service must take (RFC 8030, section 7.2), less the encryption's own 103 bytes.
PLAINTEXT_LIMIT = 4_096 - 103
# A signature may be valid for 24 hours (RFC 8292, section 2); half of that leaves room for clocks.
SIGNATURE_SECONDS = 12 * 3600
# Users choose the origins of their endpoints (`*.notify.windows.com`). One beyond these costs an
# old one its signature, which is made again.
MOST_SIGNATURES = 1_000


class Signer:
    """VAPID headers of one application server; they are per origin, and kept for hours."""

    def __init__(self, private_key: str, subject: str):
        self._vapid = Vapid02.from_raw(private_key.encode())
        self._subject = subject
        self._cached: dict[str, tuple[float, str]] = {}

    @property
    def public_key(self) -> str:
        """What a browser passes as applicationServerKey: unpadded base64url, 65 bytes."""
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
            # Not Vapid02.sign(), which takes no https: subject with a path.
            token = jwt.encode(claims, self._vapid.private_key, algorithm="ES256")
            header = f"vapid t={token},k={self.public_key}"
            self._cached.pop(audience, None)
            if len(self._cached) >= MOST_SIGNATURES:
                del self._cached[next(iter(self._cached))]
            self._cached[audience] = (now + SIGNATURE_SECONDS / 2, header)
        return header


@lru_cache
def public_key(private_key: str) -> str:
    """The public half of VAPID_PRIVATE_KEY, as Signer.public_key."""
    return _public_key(Vapid02.from_raw(private_key.encode()))


def _public_key(vapid: Vapid02) -> str:
    point = vapid.public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def origin(endpoint: str) -> str:
    """Scheme and host of an endpoint that `check_endpoint` took, and so needs no parser; and the
    port, unless it is https' own (RFC 6454, section 6.2)."""
    found = "/".join(endpoint.split("/", 3)[:3])
    return found.removesuffix(":443") if found.startswith("https:") else found


def headers(*, topic: str, urgency: str, ttl: int, authorization: str) -> dict[str, str]:
    """`topic` has at most 32 characters of base64url (RFC 8030, section 5.4), and decodes as such;
    `urgency` is one of section 5.3; `ttl` in seconds."""
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
    """The body for one device, by a key pair and a salt of this message's own (RFC 8291, section
    3). Raises ValueError where the device's keys are none."""
    return http_ece.encrypt(
        plaintext,
        private_key=private_key or ec.generate_private_key(ec.SECP256R1()),
        dh=_unpadded(p256dh),
        auth_secret=_unpadded(auth),
        salt=salt,
        version="aes128gcm",
    )


@lru_cache(maxsize=10_000)
def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
