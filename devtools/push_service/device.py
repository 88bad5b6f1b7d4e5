"""A subscriber's device: its keys, its subscription, and the decryption of its pushes.

RFC 8291 and RFC 8188 on the primitives of `cryptography`, because the senders use http_ece.
"""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devtools.push_service.jose import encode_base64url

CURVE = ec.SECP256R1()
SALT, RECORD_SIZE, KEY_LENGTH = slice(0, 16), slice(16, 20), 20
POINT_LENGTH = 65
SENDER_KEY, CIPHERTEXT = slice(21, 21 + POINT_LENGTH), slice(21 + POINT_LENGTH, None)
LAST_RECORD = b"\x02"


class DecryptError(Exception):
    """A body cannot be decrypted: it is not RFC 8291, is for another device, or was changed in
    transit."""


@dataclass(frozen=True)
class Device:
    """One browser's subscription; `token` is the last part of its endpoint."""

    token: str
    private_key: ec.EllipticCurvePrivateKey
    auth: bytes

    @classmethod
    def generate(cls, token: str | None = None) -> "Device":
        """A device with new keys, and a new token unless one is given."""
        token = token or secrets.token_urlsafe(16)
        return cls(token, ec.generate_private_key(CURVE), secrets.token_bytes(16))

    @property
    def public_key(self) -> bytes:
        """The uncompressed point, 65 bytes."""
        public_key = self.private_key.public_key()
        return public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, origin: str) -> dict:
        """What the browser's PushSubscription.toJSON() returns for this push service."""
        return {
            "endpoint": f"{origin}/push/{self.token}",
            "expirationTime": None,
            "keys": {
                "p256dh": encode_base64url(self.public_key),
                "auth": encode_base64url(self.auth),
            },
        }

    def decrypt(self, body: bytes) -> bytes:
        """Decrypt an aes128gcm body of one record, as RFC 8291 section 4 requires.

        Raises DecryptError.
        """
        sender_key, ciphertext = body[SENDER_KEY], body[CIPHERTEXT]
        if len(body) <= CIPHERTEXT.start or body[KEY_LENGTH] != POINT_LENGTH:
            raise DecryptError("the header does not carry the sender's P-256 key")
        record_size = int.from_bytes(body[RECORD_SIZE])
        if record_size < 18 or not 17 <= len(ciphertext) <= record_size:
            raise DecryptError("the content is not exactly one record")
        try:
            key, nonce = self.derive(sender_key, body[SALT])
            padded = AESGCM(key).decrypt(nonce, ciphertext, None)
        except (ValueError, InvalidTag) as error:
            raise DecryptError(f"the record does not open: {error!r}") from error
        unpadded = padded.rstrip(b"\0")
        if not unpadded.endswith(LAST_RECORD):
            raise DecryptError("the padding does not begin with the last record's delimiter")
        return unpadded.removesuffix(LAST_RECORD)

    def derive(self, sender_key: bytes, salt: bytes) -> tuple[bytes, bytes]:
        """The content encryption key and nonce of the first record (RFC 8291, section 3.4)."""
        sender = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender_key)
        shared = self.private_key.exchange(ec.ECDH(), sender)
        info = b"WebPush: info\0" + self.public_key + sender_key
        secret = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        return key, nonce
