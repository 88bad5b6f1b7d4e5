"""Web Push: RFC 8030 requests, bodies encrypted by RFC 8291, signed by VAPID (RFC 8292)."""

import base64
import json
import time
from functools import lru_cache
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from social.models import Post

# What a push service must take (RFC 8030, section 7.2), less the encryption's own 103 bytes.
PLAINTEXT_LIMIT = 4_096 - 103
TTL_SECONDS = 24 * 3600
# A signature may be valid for 24 hours (RFC 8292, section 2); half of that leaves room for clocks.
SIGNATURE_SECONDS = 12 * 3600
EXCERPT_LENGTH = 300


class Signer:
    """VAPID headers of one application server; they are per origin, and kept for hours."""

    def __init__(self, private_key: str, subject: str):
        self._vapid = Vapid02.from_raw(private_key.encode())
        self._subject = subject
        self._cached: dict[str, tuple[float, str]] = {}

    @property
    def public_key(self) -> str:
        """What a browser passes as applicationServerKey: unpadded base64url, 65 bytes."""
        point = self._vapid.public_key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def authorization(self, endpoint: str, now: float | None = None) -> str:
        now = time.time() if now is None else now
        parts = urlsplit(endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        renew_at, header = self._cached.get(origin, (0.0, ""))
        if renew_at < now:
            claims = {
                "aud": origin,
                "sub": self._subject,
                "exp": int(now) + SIGNATURE_SECONDS,
            }
            header = self._vapid.sign(claims)["Authorization"]
            self._cached[origin] = (now + SIGNATURE_SECONDS / 2, header)
        return header


def payload(post: Post) -> bytes:
    """What the device shows: JSON with title, body, tag and url, below the plaintext limit."""
    excerpt = post.content[:EXCERPT_LENGTH]
    if len(post.content) > EXCERPT_LENGTH:
        excerpt = excerpt[:-1] + "…"
    content = {
        "title": post.author.username,
        "body": excerpt,
        # A repeat replaces the first one on the device.
        "tag": topic(post.pk),
        "post_id": post.pk,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def topic(post_id: int) -> str:
    """At most 32 characters of base64url (RFC 8030, section 5.4)."""
    return f"post-{post_id}"


def headers(post_id: int, authorization: str) -> dict[str, str]:
    return {
        "TTL": str(TTL_SECONDS),
        "Urgency": "normal",
        "Topic": topic(post_id),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "Authorization": authorization,
    }


def encrypt(plaintext: bytes, p256dh: str, auth: str) -> bytes:
    """The body for one device. Raises ValueError where its keys are none."""
    return http_ece.encrypt(
        plaintext,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_unpadded(p256dh),
        auth_secret=_unpadded(auth),
        version="aes128gcm",
    )


@lru_cache(maxsize=10_000)
def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
