"""Signed JSON Web Tokens as VAPID and Google's sign-in use them (RFC 7515, compact form).

joserfc verifies them. The senders sign with PyJWT, so an error common to both ends cannot go
unnoticed.
"""

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode


def encode_base64url(data: bytes) -> str:
    """base64url without padding, as RFC 7515 and the Push API write it."""
    return urlsafe_b64encode(data).decode()


def decode_base64url(text: str) -> bytes:
    """The bytes of unpadded base64url; raises ValueError for any other text."""
    return urlsafe_b64decode(text.encode())


def verified(text: str, key: ECKey | RSAKey, algorithm: str) -> jwt.Token:
    """The token in `text`, signed by `key`; raises ValueError for anything else."""
    try:
        token = jwt.decode(text, key, algorithms=[algorithm])
    except JoseError as error:
        raise ValueError(str(error)) from error
    if not isinstance(token.claims, dict):
        raise ValueError("the claims of a token are a JSON object")
    return token


def expires_within(token: jwt.Token, seconds: float, now: float) -> bool:
    """True if `exp` is after `now` and at most `seconds` later."""
    exp = token.claims.get("exp")
    return type(exp) in (int, float) and now < exp <= now + seconds
