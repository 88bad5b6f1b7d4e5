"""Error answers under /api/: all are problem details (RFC 9457)."""

import math
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.views import set_rollback
from structlog.contextvars import get_contextvars

from events.errors import passing
from social.accounts import PasswordChangedError
from social.addresses import AddressRefusedError
from social.api.parsers import PayloadTooLarge
from social.api.renderers import FastJSONRenderer
from social.attempts import TooManyAttemptsError
from social.forgotten_passwords import ResetRefusedError
from social.idempotency import KeyInUseError, KeyReusedError
from social.overload import RETRY_AFTER_SECONDS, OverloadedError
from social.relations import RelationError

MEDIA_TYPE = "application/problem+json"
API_PREFIX = "/api/"

log = structlog.get_logger(__name__)


class Unavailable(exceptions.APIException):
    status_code = 503
    default_detail = "Temporarily unavailable; try again later."
    default_code = "unavailable"

    def __init__(self, wait: int):
        super().__init__()
        self.wait = wait


class WrongCredentials(exceptions.APIException):
    status_code = 403
    default_detail = "No account with this username and password."
    default_code = "credentials"


class ImpossibleRelation(exceptions.APIException):
    status_code = 409
    default_code = "relation"


class KeyInUse(exceptions.APIException):
    status_code = 409
    default_detail = "Another request with this Idempotency-Key is in progress."
    default_code = "idempotency_key_in_use"


class KeyReused(exceptions.APIException):
    status_code = 422
    default_detail = "This Idempotency-Key was used before with another body."
    default_code = "idempotency_key_reused"


# Retry-After while the database restarts or has no free connection.
DATABASE_WAIT_SECONDS = 5

TRANSLATED = (
    # A row that the view has found may be deleted before the view uses it.
    ((Http404, ObjectDoesNotExist), lambda error: exceptions.NotFound()),
    (PermissionDenied, lambda error: exceptions.PermissionDenied()),
    (RequestDataTooBig, lambda error: PayloadTooLarge()),
    (RelationError, lambda error: ImpossibleRelation(str(error))),
    (PasswordChangedError, lambda error: WrongCredentials("The password has just been changed.")),
    (ResetRefusedError, lambda error: WrongCredentials("This link is wrong, used or too old.")),
    (KeyInUseError, lambda error: KeyInUse()),
    (KeyReusedError, lambda error: KeyReused()),
    (AddressRefusedError, lambda error: WrongCredentials("This link is wrong, used or too old.")),
    (TooManyAttemptsError, lambda error: exceptions.Throttled(error.seconds)),
    (OverloadedError, lambda error: Unavailable(RETRY_AFTER_SECONDS)),
)


def problem_response(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Django REST framework's exception handler. Returns None for an unknown error, which becomes a
    500. Problems are JSON, whatever the view's renderer is."""
    for kind, translate in TRANSLATED:
        if isinstance(error, kind):
            log.info("request refused", reason=repr(error))
            error = translate(error)
    if not isinstance(error, exceptions.APIException):
        if not passing(error):
            return None
        log.warning("request refused", reason=repr(error))
        error = Unavailable(DATABASE_WAIT_SECONDS)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        error = _throttled(error, context)
    set_rollback()
    response = _answer(_describe(error))
    if scheme := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = scheme
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(math.ceil(wait))
    return response


def _throttled(error: exceptions.APIException, context: dict[str, Any]) -> exceptions.APIException:
    """Count a request that failed to authenticate, because Django REST framework counts only
    authenticated ones; returns Throttled if there are too many, or else `error`."""
    try:
        context["view"].check_throttles(context["request"])
    except exceptions.Throttled as throttled:
        return throttled
    except exceptions.ValidationError:
        pass  # A caller who is not authenticated learns no other error than `error`.
    return error


def _handler(
    status: int, code: str, page: Callable[..., HttpResponse]
) -> Callable[..., HttpResponse]:
    """An error view for requests that reach no view of Django REST framework. `page` is Django's
    own error view, for paths outside the API."""

    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path.startswith(API_PREFIX):
            return _answer(problem(status, code))
        return page(request, *args, **kwargs)

    return handler


bad_request = _handler(400, "bad_request", defaults.bad_request)
permission_denied = _handler(403, "permission_denied", defaults.permission_denied)
not_found = _handler(404, "not_found", defaults.page_not_found)
server_error = _handler(500, "server_error", defaults.server_error)


def _describe(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return problem(400, "validation") | {"errors": list(_flatten(error.get_full_details()))}
    code = error.get_codes()
    return problem(error.status_code, code if isinstance(code, str) else error.default_code) | {
        "detail": str(error.detail)
    }


def problem(status: int, code: str) -> dict[str, Any]:
    """The body of a problem. `type` is stable and names the problem; it is no URL to fetch.
    Operators find the request in the logs by `request_id`."""
    return {
        "type": f"urn:connectify:problem:{code.replace('_', '-')}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "request_id": get_contextvars().get("request_id"),
    }


def _flatten(details: Any, field: str = "") -> Iterator[dict[str, Any]]:
    """Django REST framework's nested errors as a list of {field, code, message}."""
    if isinstance(details, dict) and "message" in details and "code" in details:
        yield {"field": field, "code": details["code"], "message": details["message"]}
    elif isinstance(details, dict):
        for name, inner in details.items():
            outer = "" if name == "non_field_errors" else str(name)
            yield from _flatten(inner, f"{field}.{outer}" if field and outer else field or outer)
    else:
        for inner in details:
            yield from _flatten(inner, field)


def _answer(described: dict[str, Any]) -> HttpResponse:
    body = FastJSONRenderer().render(described)
    return HttpResponse(body, status=described["status"], content_type=MEDIA_TYPE)
