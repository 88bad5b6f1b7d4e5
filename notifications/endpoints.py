"""Which push endpoints are taken: URLs that clients chose, so a way to make us call anywhere.

Guarantee: only https on port 443 of the known push services' hosts; loopback only where a setting
allows it. Checked when a device is registered and again before each push, since the list of hosts
may have changed. What is taken has one spelling, so that a device is one device.
"""

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from yarl import URL

from notifications.reasons import OwnError

# Of the column.
LONGEST = 1_000
HOSTS_FILE = Path(__file__).with_name("push_hosts.txt")
# Stricter than any URL parser, so that the one that connects cannot read it differently: no
# user-info, no IP address, no other port, no fragment, no label that a name server's client would
# stumble over, nothing but visible ASCII.
ENDPOINT = re.compile(
    r"https://(?P<host>(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})(?::443)?/[!-\"$->@-~]*"
    r"(?:\?(?P<parameter>[a-z]+)=[!-\"$%'-~]+)?"
)
LOOPBACK_ENDPOINT = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}/[!-\"$->@-~]*")


class EndpointError(OwnError, ValueError):
    """This is no endpoint of a push service that we know."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def check_endpoint(endpoint: str) -> None:
    """Raises EndpointError, whose message never tells what is reachable."""
    if settings.PUSH_ALLOW_LOOPBACK and LOOPBACK_ENDPOINT.fullmatch(endpoint):
        return
    match = ENDPOINT.fullmatch(endpoint)
    if not match or not _is_known(match["host"], match["parameter"]):
        raise EndpointError


def canonical(endpoint: str) -> str:
    """The one spelling of an endpoint: without the port that https has anyway, without dots in the
    path, percent signs only where they are needed. The client that sends would change it to the
    same. Raises EndpointError."""
    check_endpoint(endpoint)
    try:
        spelled = str(URL(endpoint))
    except ValueError as error:
        raise EndpointError from error
    check_endpoint(spelled)
    if len(spelled) > LONGEST:
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
