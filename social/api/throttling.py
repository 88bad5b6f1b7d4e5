"""Who may make how many requests: by user, token and address, and by the account that is tried.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from collections.abc import Iterator

from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from social import callers
from social.throttles import Standing


class CallerThrottle(BaseThrottle):
    """A view's `throttle_scope` chooses the limits, else whether it reads or writes; its
    `throttle_account` names the field of the body that says whose account is tried.

    Requests that are refused for their token are counted too: see problems.py.
    """

    def allow_request(self, request: Request, view) -> bool:
        reads = request.method in SAFE_METHODS
        scope = getattr(view, "throttle_scope", None) or ("read" if reads else "write")
        account, unreadable = _account(request, getattr(view, "throttle_account", None))
        standings = callers.count(scope, self._callers(request, account))
        request._request.rate_limits = standings
        self._wait = callers.wait(standings)
        if unreadable and not self._wait:
            raise unreadable
        return not self._wait

    def wait(self) -> int:
        return self._wait

    def _callers(self, request: Request, account: str | None) -> Iterator[tuple[str, object]]:
        yield "address", callers.network(self.get_ident(request))
        if request.auth:
            yield "user", request.user.pk
            yield "token", request.auth.number
        if account is not None:
            yield "account", callers.account(account)


def _account(request: Request, field: str | None) -> tuple[str | None, APIException | None]:
    """What the body's `field` says, if anything; and the error of a body that cannot be read, which
    is to be counted before it is answered."""
    if field is None:
        return None, None
    try:
        body = request.data
    except APIException as error:
        return None, error
    given = body.get(field) if isinstance(body, dict) else None
    return (str(given) if isinstance(given, str | int) else None), None


def headers(standings: list[Standing], window: int) -> dict[str, str]:
    """RateLimit fields, one item for each limit."""
    policies = (f'"{s.limit.policy}";q={s.limit.quota};w={window}' for s in standings)
    left = (f'"{s.limit.policy}";r={max(s.remaining, 0)};t={s.seconds}' for s in standings)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
