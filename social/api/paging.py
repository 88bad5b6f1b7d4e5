"""Paging of lists by cursors. A cursor is opaque to clients and signed: others are refused.

Guarantee: a page costs the same wherever it lies in the list, and no entry appears on two pages.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.core import signing
from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

Row = TypeVar("Row", bound=Model)
PAGE = 50
# Not a signer: that needs SECRET_KEY, and not every process that imports this has it.
SALT = "list.cursor"

LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": PAGE, "default": PAGE},
    description="The number of entries per page.",
)
PARAMETERS = [
    OpenApiParameter("cursor", str, description="The position to continue from: see `next`."),
    LIMIT,
]


def page(
    request: Request, rows: QuerySet[Row], key: str, serialize: Callable[[Row], dict[str, Any]]
) -> Response:
    """The answer with one page of `rows` by descending `key`, a unique integer field with an index
    for this order. `serialize` turns a row into its JSON object."""
    size = limit(request)
    rows = rows.order_by(f"-{key}")
    if (cursor := request.query_params.get("cursor")) is not None:
        rows = rows.filter(**{f"{key}__lt": decode(cursor)})
    # Read one row more than the page has, to know whether there is a next page.
    found = list(rows[: size + 1])
    next_cursor = encode(getattr(found[size - 1], key)) if len(found) > size else None
    return answer(request, [serialize(row) for row in found[:size]], next_cursor)


def answer(request: Request, results: list[dict[str, Any]], cursor: str | None) -> Response:
    """The answer with a page. The next page begins at `cursor`; None if this is the last page."""
    following = headers = None
    if cursor is not None:
        following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        headers = {"Link": f'<{following}>; rel="next"'}
    return Response({"results": results, "next": following}, headers=headers)


def encode(position: int) -> str:
    return sign(position, SALT)


def decode(cursor: str) -> int:
    """The position in a cursor. Raises a ValidationError that names the query parameter."""
    return int(unsign(cursor, SALT))


def sign(position: object, salt: str, *, compress: bool = False) -> str:
    """A cursor that holds this position, as JSON. Each list has a `salt` of its own, so that it
    refuses the cursors of others."""
    return signing.Signer(salt=salt).sign_object(position, compress=compress)


def unsign(cursor: str, salt: str, parameter: str = "cursor") -> Any:
    """The position in a cursor of sign(). Raises a ValidationError that names the query
    parameter."""
    try:
        return signing.Signer(salt=salt).unsign_object(cursor)
    except (signing.BadSignature, ValueError) as error:
        raise ValidationError({parameter: ["This cursor is not valid."]}) from error


def limit(request: Request, largest: int = PAGE) -> int:
    """The page size that the client asks for. Raises a ValidationError outside 1 to `largest`."""
    given = request.query_params.get("limit")
    if given is None:
        return largest
    if not re.fullmatch("[1-9][0-9]{0,3}", given) or int(given) > largest:
        raise ValidationError({"limit": [f"Give a whole number from 1 to {largest}."]})
    return int(given)
