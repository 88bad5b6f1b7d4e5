"""Request ids: each request has one, taken from the header X-Request-Id or newly made.

The response, error responses and every log line contain it. The events of the request carry it on
to all their effects.
"""

import re
import secrets
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

HEADER = "X-Request-Id"
# The ids that are accepted; others are replaced. No comma, because ids are joined by commas.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger(__name__)


class RequestContext:
    """The outermost middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        given = request.headers.get(HEADER, "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        traceparent = request.headers.get("traceparent", "")
        if TRACEPARENT.fullmatch(traceparent):
            bind_contextvars(traceparent=traceparent)
        response = self._get_response(request)
        response[HEADER] = request_id
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )
        return response
