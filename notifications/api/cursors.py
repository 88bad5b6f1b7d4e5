"""Cursors of the notifications list: opaque to clients, and signed, so that forged ones are
refused."""

from datetime import datetime

from django.core import signing
from rest_framework.exceptions import ValidationError

from notifications.listing import Place

SIGNER = signing.Signer(salt="notifications.cursor.2")


def encode(place: Place) -> str:
    return SIGNER.sign_object([*place._replace(then=place.then.isoformat())], compress=True)


def decode(cursor: str | None) -> Place | None:
    """The place that a cursor encodes. Raises a ValidationError about the query parameter."""
    if cursor is None:
        return None
    try:
        place = Place(*SIGNER.unsign_object(cursor))
    except (signing.BadSignature, ValueError) as error:
        raise ValidationError({"cursor": ["This is not a valid cursor."]}) from error
    return place._replace(then=datetime.fromisoformat(place.then), above=tuple(place.above))
