"""Cursors of the notifications list: opaque to clients, and signed, so that forged ones are
refused."""

from datetime import datetime

from django.core import signing
from rest_framework.exceptions import ValidationError

from notifications.listing import Place

# Not a signer: that needs SECRET_KEY, and not every process that imports this has it.
SALT = "notifications.cursor.2"


def encode(place: Place) -> str:
    read, before, mark, then, floor, above = place
    fields = [read, before, mark, then.isoformat(), floor, above]
    return signing.Signer(salt=SALT).sign_object(fields, compress=True)


def decode(cursor: str | None) -> Place | None:
    """The place that a cursor encodes. Raises a ValidationError about the query parameter."""
    if cursor is None:
        return None
    try:
        read, before, mark, then, floor, above = signing.Signer(salt=SALT).unsign_object(cursor)
    except (signing.BadSignature, ValueError) as error:
        raise ValidationError({"cursor": ["This is not a valid cursor."]}) from error
    return Place(read, before, mark, datetime.fromisoformat(then), floor, tuple(above))
