"""Validation of query parameters against the OpenAPI description of an operation.

Guarantee: below /api/v1/ an unknown parameter is refused by its name, as unknown fields of a body
are. So is a parameter that is given twice, because programs differ in which value they take.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:
    # At run time the framework's views import this module.
    from rest_framework.views import APIView

PREFIX = "/api/v1/"
# The parameters by (view, method), filled on first use: at import time the views do not exist yet,
# because Django REST framework's views import this module.
_known: dict[tuple[type, str], frozenset[str]] = {}


class KnownParameters(BaseThrottle):
    """A check that runs as the last throttle, which is after authentication: a request that it
    refuses has been counted, and a caller without a token still gets a 401. The health view has no
    throttles, and so takes any parameter."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        given, method = request.query_params, (request.method or "").lower()
        # Django REST framework refuses unknown methods after this. The OpenAPI document and its
        # pages are outside of PREFIX: browsers may add parameters there.
        answered = hasattr(view, method)
        if given and answered and request.path.startswith(PREFIX):
            known = described(view, method)
            errors = {name: ["There is no such parameter."] for name in given.keys() - known}
            if errors:
                raise ValidationError(errors, code="unknown")
            twice = [name for name in given if len(given.getlist(name)) > 1]
            if twice:
                raise ValidationError({name: ["Give it once."] for name in twice}, code="twice")
        return True


def described(view: "APIView", method: str) -> frozenset[str]:
    """The names of the query parameters in the extend_schema of a view's method."""
    key = type(view), "get" if method == "head" else method
    if key not in _known:
        handler = getattr(*key, None)
        schema = getattr(handler, "kwargs", {}).get("schema")
        _known[key] = frozenset(_names(schema(), view) if schema else ())
    return _known[key]


def _names(schema: Any, view: "APIView") -> Iterator[str]:
    schema.view = view
    for each in schema.get_override_parameters():
        if not isinstance(each, OpenApiParameter):
            yield from each().fields  # A serializer whose fields are the parameters.
        elif each.location == OpenApiParameter.QUERY:
            yield each.name
