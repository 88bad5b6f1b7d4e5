"""Signed JSON Web Tokens as VAPID and Google's sign-in carry them (RFC 7515, compact form)."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


def encode_base64url(data: bytes) -> str:
    """base64url without padding, as RFC 7515 and the Push API write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Bytes of unpadded base64url; raises ValueError for any other text."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64url: {error}") from error


@dataclass(frozen=True)
class Jwt:
    """A token taken apart; nothing about it has been verified yet."""

    algorithm: str
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, text: str) -> "Jwt":
        """Take `header.claims.signature` apart; raises ValueError where it is none."""
        parts = text.split(".")
        if len(parts) != 3:
            raise ValueError("a token has three parts")
        header, claims, signature = map(decode_base64url, parts)
        fields, claims = json.loads(header), json.loads(claims)
        if not isinstance(fields, dict) or not isinstance(claims, dict):
            raise ValueError("header and claims of a token are JSON objects")
        signed = text.rpartition(".")[0].encode()
        return cls(str(fields.get("alg")), claims, signed, signature)

    def expires_within(self, seconds: float, now: float) -> bool:
        """Whether `exp` lies after `now` and at most `seconds` later."""
        exp = self.claims.get("exp")
        return type(exp) in (int, float) and now < exp <= now + seconds
