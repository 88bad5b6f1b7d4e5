"""Who makes a request: an address, and the account that is meant; and how often each may.

The API and the admin count by the same keys, so that who is refused here is refused there.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from social import names
from social.accounts import normalized
from social.throttles import Counters, Limit, Standing

# The bits of an IPv6 address that one customer has.
IPV6_NETWORK = 64


@cache
def counters(url: str) -> Counters:
    return Counters(url, settings.THROTTLE_WINDOW_SECONDS)


def count(scope: str, callers: Iterable[tuple[str, object]]) -> list[Standing]:
    """Count one request of `callers`, each a policy and a key; how their limits stand after it."""
    quotas = settings.THROTTLES[scope]
    limits = [
        Limit(policy, f"throttle:{scope}:{policy}:{caller}", quotas[policy])
        for policy, caller in callers
        if policy in quotas
    ]
    return counters(settings.REDIS_URL).hit(limits)


def take_back(standings: Iterable[Standing]) -> None:
    """Count what was counted last no more."""
    counters(settings.REDIS_URL).take_back([each.limit for each in standings])


def wait(standings: Iterable[Standing]) -> int:
    """Seconds until the next request; 0 if no limit is exceeded."""
    return max((each.seconds for each in standings if each.remaining < 0), default=0)


def account(name: str) -> str:
    """Which account is meant by a username, a mail address or an id, however it is written. A
    digest, so that Valkey holds no mail addresses."""
    meant = names.key(normalized(name))
    return hashlib.sha256(meant.encode("utf-8", "replace")).hexdigest()


def network_of(request: HttpRequest) -> str:
    """The network that the request comes from, past our own proxies."""
    return network(BaseThrottle().get_ident(request))


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
