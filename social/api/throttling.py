"""Rate limits of the API by user, token and network.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from social import callers
from social.models import Token
from social.throttles import LimitState

if TYPE_CHECKING:
    # At run time the framework's views import this module.
    from rest_framework.views import APIView


class CallerThrottle(BaseThrottle):
    """Counts requests. A view's `throttle_scope` selects the limits; without one the scope is
    "read" or "write", by the request's method.

    problems.py counts the requests that fail to authenticate.
    """

    def allow_request(self, request: Request, view: "APIView") -> bool:
        reads = request.method in SAFE_METHODS
        scope = getattr(view, "throttle_scope", None) or ("read" if reads else "write")
        states = callers.count(scope, self._callers(request))
        callers.note(request._request, states)
        self._wait = callers.wait(states)
        return not self._wait

    def wait(self) -> int:
        return self._wait

    def _callers(self, request: Request) -> Iterator[tuple[str, object]]:
        yield "address", callers.network_of(request)
        if isinstance(request.auth, Token):
            yield "user", request.user.pk
            yield "token", request.auth.number


def headers(states: list[LimitState], window: int) -> dict[str, str]:
    """The RateLimit headers, with one item per limit; `window` is in seconds."""
    policies = (f'"{s.limit.policy}";q={s.limit.quota};w={window}' for s in states)
    left = (f'"{s.limit.policy}";r={max(s.remaining, 0)};t={s.seconds}' for s in states)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
