"""Who may make how many requests: by user, token and address, and by the account that is tried.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from social.throttles import Counters, Limit, Standing

# The bits of an IPv6 address that one customer has.
IPV6_NETWORK = 64


@cache
def counters(url: str) -> Counters:
    return Counters(url, settings.THROTTLE_WINDOW_SECONDS)


class CallerThrottle(BaseThrottle):
    """A view's `throttle_scope` chooses the limits, else whether it reads or writes; its
    `throttle_account` names the field of the body that says whose account is tried."""

    def allow_request(self, request: Request, view) -> bool:
        reads = request.method in SAFE_METHODS
        scope = getattr(view, "throttle_scope", None) or ("read" if reads else "write")
        quotas = settings.THROTTLES[scope]
        callers = self._callers(request, getattr(view, "throttle_account", None)) if quotas else ()
        limits = [
            Limit(policy, f"throttle:{scope}:{policy}:{caller}", quotas[policy])
            for policy, caller in callers
            if policy in quotas
        ]
        standings = counters(settings.REDIS_URL).hit(limits)
        request._request.rate_limits = standings
        self._exceeded = [standing for standing in standings if standing.remaining < 0]
        return not self._exceeded

    def wait(self) -> int:
        return max(standing.seconds for standing in self._exceeded)

    def _callers(self, request: Request, account_field: str | None) -> Iterator[tuple[str, object]]:
        yield "address", network(self.get_ident(request))
        if request.auth:
            yield "user", request.user.pk
            yield "token", request.auth.number
        if account_field and isinstance(request.data, dict):
            account = str(request.data.get(account_field)).casefold()
            yield "account", hashlib.sha256(account.encode("utf-8", "replace")).hexdigest()


def network(address: str | None) -> str:
    """Whom an address stands for: itself, or the network of an IPv6 one."""
    try:
        parsed = ip_address((address or "").strip())
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> (128 - IPV6_NETWORK):x}"


def headers(standings: list[Standing], window: int) -> dict[str, str]:
    """RateLimit fields, one item for each limit."""
    policies = (f'"{s.limit.policy}";q={s.limit.quota};w={window}' for s in standings)
    left = (f'"{s.limit.policy}";r={max(s.remaining, 0)};t={s.seconds}' for s in standings)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
