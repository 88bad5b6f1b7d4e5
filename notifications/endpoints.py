"""Checks push endpoints. They are URLs that clients chose, so without a check a client could make
us call any server.

Guarantee: an accepted endpoint uses https, port 443 and the host of a known push service; loopback
is accepted only if a setting allows it. It is checked when a device is registered and again before
each push, because the list of hosts may have changed. An accepted endpoint has a single spelling,
so that the same device is not registered twice.
"""

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from yarl import URL

from notifications.reasons import OwnError

MAX_LENGTH = 1_000  # The length of the column.
HOSTS_FILE = Path(__file__).with_name("push_hosts.txt")
# Stricter than any URL parser, so that the parser of the HTTP client cannot read the URL
# differently. It allows only visible ASCII, and no user-info, IP address, other port, fragment, or
# label that a DNS resolver would reject.
ENDPOINT = re.compile(
    r"https://(?P<host>(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})(?::443)?/[!-\"$->@-~]*"
    r"(?:\?(?P<parameter>[a-z]+)=[!-\"$%'-~]+)?"
)
LOOPBACK_ENDPOINT = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}/[!-\"$->@-~]*")


class EndpointError(OwnError, ValueError):
    """This is not an endpoint of a known push service."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def check_endpoint(endpoint: str) -> None:
    """Check an endpoint. Raises EndpointError, whose message never reveals what is reachable."""
    if settings.PUSH_ALLOW_LOOPBACK and LOOPBACK_ENDPOINT.fullmatch(endpoint):
        return
    match = ENDPOINT.fullmatch(endpoint)
    if not match or not _is_known(match["host"], match["parameter"]):
        raise EndpointError


def canonical(endpoint: str) -> str:
    """The canonical spelling of an endpoint: without port 443, without dot segments in the path,
    and with percent-encoding only where it is needed. The HTTP client would change the URL in the
    same way. Raises EndpointError."""
    check_endpoint(endpoint)
    try:
        spelled = str(URL(endpoint))
    except ValueError as error:
        raise EndpointError from error
    check_endpoint(spelled)
    if len(spelled) > MAX_LENGTH:
        raise EndpointError
    return spelled


def _is_known(host: str, parameter: str | None) -> bool:
    hosts = settings.PUSH_HOSTS or _hosts_of_file()
    query = f"?{parameter}" if parameter else ""
    any_label = "*." + host.partition(".")[2]
    return f"{host}{query}" in hosts or f"{any_label}{query}" in hosts


@cache
def _hosts_of_file() -> frozenset[str]:
    lines = HOSTS_FILE.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
