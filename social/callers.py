"""Rate limits per caller: the network that a request comes from, and the account it names.

The API and the admin use the same counters: a caller who is over the limit in one is refused in the
other too.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from social import names
from social.accounts import normalized
from social.throttles import Counters, Limit, LimitState

# Providers give one customer a network of this prefix length.
IPV6_NETWORK = 64


@cache
def counters(url: str) -> Counters:
    return Counters(url, settings.THROTTLE_WINDOW_SECONDS)


def count(scope: str, callers: Iterable[tuple[str, object]]) -> list[LimitState]:
    """Count one request for each of `callers`, pairs of (policy, key); returns the state of their
    limits after it. Empty while Valkey is unreachable."""
    quotas = settings.THROTTLES[scope]
    limits = [
        Limit(policy, f"throttle:{scope}:{policy}:{caller}", quotas[policy])
        for policy, caller in callers
        if policy in quotas
    ]
    return counters(settings.REDIS_URL).hit(limits)


def uncount(states: Iterable[LimitState]) -> None:
    """Undo the `count` call that returned `states`."""
    counters(settings.REDIS_URL).uncount([each.limit for each in states])


def wait(states: Iterable[LimitState]) -> int:
    """Seconds until the next request is allowed; 0 if no limit is exceeded."""
    return max((each.seconds for each in states if each.remaining < 0), default=0)


def account_key(name: str) -> str:
    """The counter key of an account that a request names by username, mail address or id: the same
    for every spelling of the name. It is a digest, so that Valkey holds no mail addresses."""
    key = names.key(normalized(name))
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def network_of(request: HttpRequest) -> str:
    """The network of the client, which our own proxies name in a header."""
    # It needs no more of a request than its META.
    return network(BaseThrottle().get_ident(cast(Request, request)))


def network(address: str | None) -> str:
    """The counter key of an IP address: the IPv4 address itself, or the /64 network of an IPv6
    address."""
    try:
        parsed = ip_address((address or "").strip())
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> (128 - IPV6_NETWORK):x}"


# The states of the limits that a request was counted against, until its answer's headers are made.
RATE_LIMITS = "rate_limits"


def note(request: HttpRequest, states: list[LimitState]) -> None:
    """Keep the states with the request, for the headers of its answer."""
    setattr(request, RATE_LIMITS, states)


def noted(request: HttpRequest) -> list[LimitState]:
    found: list[LimitState] = getattr(request, RATE_LIMITS, [])
    return found
