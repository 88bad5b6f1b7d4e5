"""Connections to the push services: to public addresses only, whatever a name resolves to.

Guarantee: each address is checked when the socket to it is made, and that socket is connected to no
other one, so that a second answer of the name server (DNS rebinding) gains nothing.
"""

import errno
import socket
from ipaddress import ip_address, ip_network

import aiohttp
from django.conf import settings

LOOPBACK = "127.0.0.1"
HTTPS_PORT = 443
# All that is public in IPv6 is in here; mapped and NAT64 addresses, which embed others, are not.
GLOBAL_UNICAST = ip_network("2000::/3")
# What Python 3.11 still calls global: 6to4 addresses and relays, the newest documentation range.
NOT_PUBLIC = tuple(map(ip_network, ("2002::/16", "192.88.99.0/24", "3fff::/20")))


class AddressError(OSError):
    """The address is none that pushes are sent to."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "address refused")


def is_public(address: str) -> bool:
    """Whether this is the IP address of a host on the public Internet."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return (
        ip.is_global
        and not (ip.is_multicast or ip.is_reserved)
        and (ip.version == 4 or ip in GLOBAL_UNICAST)
        and not any(ip in network for network in NOT_PUBLIC)
    )


def session(**limits) -> aiohttp.ClientSession:
    """Requests from it refuse what is not public, by ClientConnectorError; to be made in a running
    event loop. `limits` are TCPConnector's own; what an answer may take is for each request to
    limit, as is following redirects."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=checked_socket, **limits),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,  # No proxy of the environment.
        # A small answer must not unfold into a large one.
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
        # No memory between push services.
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def check_address(host: str, port: int) -> None:
    """Raises AddressError for an IP address that is not public or a port that is not https'."""
    if is_public(host) and port == HTTPS_PORT:
        return
    if not (settings.PUSH_ALLOW_LOOPBACK and host == LOOPBACK):
        raise AddressError


def checked_socket(address_info: tuple) -> socket.socket:
    """Called by aiohttp for each connection, also where the URL's host is an IP address."""
    family, kind, protocol, _, (host, port, *_) = address_info
    check_address(host, port)
    return socket.socket(family, kind, protocol)
