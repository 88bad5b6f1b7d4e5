"""Cursors of a timeline: opaque to clients and signed, so that only ours are read."""

from django.core import signing
from rest_framework.exceptions import ValidationError

SIGNER = signing.Signer(salt="timeline.cursor")


def encode(post_id: int) -> str:
    return SIGNER.sign_object(post_id)


def decode(parameter: str, cursor: str | None) -> int | None:
    """The post id in the cursor; raises a validation error that names the query parameter."""
    if cursor is None:
        return None
    try:
        return int(SIGNER.unsign_object(cursor))
    except (signing.BadSignature, ValueError, UnicodeError) as error:
        raise ValidationError({parameter: ["This is no cursor of ours."]}) from error
