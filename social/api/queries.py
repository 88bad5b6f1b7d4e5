"""Query parameters are those that the description of an operation names.

Guarantee: below /api/v1/ a parameter that nobody reads is refused with its name, as unknown fields
of a body are; so is one that is given twice, which two readers could understand differently.
"""

from collections.abc import Iterator

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

PREFIX = "/api/v1/"
# By view and method, as they are asked for. (Django REST framework's views import this module.)
_known: dict[tuple[type, str], frozenset[str]] = {}


class KnownParameters(BaseThrottle):
    """The last of the throttles, which run once a caller is let in: such a request is counted, and
    tells a stranger no more than 401. Health has none of them."""

    def allow_request(self, request: Request, view) -> bool:
        given = request.query_params
        # A method that the view does not have is refused after this. The description and its pages,
        # beside it, are read by browsers.
        answered = hasattr(view, request.method.lower())
        if given and answered and request.path.startswith(PREFIX):
            known = described(view, request.method.lower())
            errors = {name: ["There is no such parameter."] for name in given.keys() - known}
            if errors:
                raise ValidationError(errors, code="unknown")
            twice = [name for name in given if len(given.getlist(name)) > 1]
            if twice:
                raise ValidationError({name: ["Give it once."] for name in twice}, code="twice")
        return True


def described(view, method: str) -> frozenset[str]:
    """Their names, from the extend_schema of a view's method."""
    key = type(view), "get" if method == "head" else method
    if key not in _known:
        handler = getattr(*key, None)
        schema = getattr(handler, "kwargs", {}).get("schema")
        _known[key] = frozenset(_names(schema(), view) if schema else ())
    return _known[key]


def _names(schema, view) -> Iterator[str]:
    schema.view = view
    for each in schema.get_override_parameters():
        if not isinstance(each, OpenApiParameter):
            yield from each().fields  # a serializer of them
        elif each.location == OpenApiParameter.QUERY:
            yield each.name
