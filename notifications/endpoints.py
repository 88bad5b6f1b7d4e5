"""Which push endpoints are taken: URLs that clients chose, so a way to make us call anywhere.

Guarantee: only https on port 443 of the known push services' hosts; loopback only where a setting
allows it. Checked when a device is registered and again before each push, since the list of hosts
may have changed.
"""

import re

from django.conf import settings

# Stricter than any URL parser, so that the one that connects cannot read it differently: no
# user-info, no IP address, no other port, no label that a name server's client would stumble over,
# nothing but visible ASCII.
ENDPOINT = re.compile(r"https://((?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})(?::443)?/[!-~]*")
LOOPBACK_ENDPOINT = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}/[!-~]*")


class EndpointError(ValueError):
    """This is no endpoint of a push service that we know."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def check_endpoint(endpoint: str) -> None:
    """Raises EndpointError, whose message never tells what is reachable."""
    if settings.PUSH_ALLOW_LOOPBACK and LOOPBACK_ENDPOINT.fullmatch(endpoint):
        return
    match = ENDPOINT.fullmatch(endpoint)
    if not match or not _is_known(match[1]):
        raise EndpointError


def _is_known(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in settings.PUSH_HOSTS)
