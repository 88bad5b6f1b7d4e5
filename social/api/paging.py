"""Lists page by page, by cursors that are opaque to clients and signed, so that only ours are read.

Guarantee: a page costs the same wherever it lies in the list, and going on shows nothing twice.
"""

import re

from django.core import signing
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

PAGE = 50
SIGNER = signing.Signer(salt="list.cursor")

LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": PAGE, "default": PAGE},
    description="How many a page.",
)
PARAMETERS = [
    OpenApiParameter("cursor", str, description="Where to go on: see `next`."),
    LIMIT,
]


def page(request: Request, rows: QuerySet, key: str, serialize) -> Response:
    """Rows by descending `key`, a unique integer field with an index for this; `serialize` makes
    what is shown of one."""
    size = limit(request)
    rows = rows.order_by(f"-{key}")
    if (cursor := request.query_params.get("cursor")) is not None:
        rows = rows.filter(**{f"{key}__lt": decode(cursor)})
    # One more than the page, to know whether there is another one.
    found = list(rows[: size + 1])
    rest = encode(getattr(found[size - 1], key)) if len(found) > size else None
    return answer(request, [serialize(row) for row in found[:size]], rest)


def answer(request: Request, results: list, cursor: str | None) -> Response:
    """A page; the list goes on at the cursor, or ends where that is None."""
    following = headers = None
    if cursor is not None:
        following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        headers = {"Link": f'<{following}>; rel="next"'}
    return Response({"results": results, "next": following}, headers=headers)


def encode(position: int) -> str:
    return SIGNER.sign_object(position)


def decode(cursor: str) -> int:
    """Raises a validation error that names the query parameter."""
    try:
        return int(SIGNER.unsign_object(cursor))
    except (signing.BadSignature, ValueError) as error:
        raise ValidationError({"cursor": ["This is no cursor of ours."]}) from error


def limit(request: Request, largest: int = PAGE) -> int:
    """The page size that the client wishes. Raises a validation error outside 1 to `largest`."""
    given = request.query_params.get("limit")
    if given is None:
        return largest
    if not re.fullmatch("[1-9][0-9]{0,3}", given) or int(given) > largest:
        raise ValidationError({"limit": [f"Give a whole number from 1 to {largest}."]})
    return int(given)
