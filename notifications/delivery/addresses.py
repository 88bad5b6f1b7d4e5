"""Restricts connections to push services to public addresses, whatever a name resolves to.

Guarantee: each address is checked when its socket is created, and the socket connects to that same
address. So a different second answer of the name server (DNS rebinding) achieves nothing.
"""

import errno
import socket
from ipaddress import ip_address, ip_network
from typing import Any

import aiohttp
from aiohappyeyeballs import AddrInfoType
from django.conf import settings

LOOPBACK = "127.0.0.1"
HTTPS_PORT = 443
# Contains all public IPv6 addresses, but not those that embed IPv4 addresses (mapped, NAT64).
GLOBAL_UNICAST = ip_network("2000::/3")
# Python 3.11 still calls these global: 6to4 addresses and relays, the newest documentation range.
NOT_PUBLIC = tuple(map(ip_network, ("2002::/16", "192.88.99.0/24", "3fff::/20")))


class AddressError(OSError):
    """Pushes must not be sent to this address."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "address refused")


def is_public(address: str) -> bool:
    """True if this is the IP address of a host on the public Internet."""
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


def session(**limits: Any) -> aiohttp.ClientSession:
    """A client session that connects to public addresses only, and raises ClientConnectorError for
    others. Must be called in a running event loop. `limits` are arguments of TCPConnector. Each
    request must set its own limit on time and size, and must not follow redirects."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=checked_socket, **limits),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,  # Use no proxy from the environment.
        # Do not decompress: a small response could expand to a large one.
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
        # Keep no cookies.
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def check_address(host: str, port: int) -> None:
    """Raises AddressError if the IP address is not public or the port is not 443."""
    if is_public(host) and port == HTTPS_PORT:
        return
    if not (settings.PUSH_ALLOW_LOOPBACK and host == LOOPBACK):
        raise AddressError


def checked_socket(address_info: AddrInfoType) -> socket.socket:
    """Create the socket for an address, after checking it. aiohttp calls this for each connection,
    even if the URL's host is an IP address. Raises AddressError."""
    family, kind, protocol, _, (host, port, *_) = address_info
    check_address(host, port)
    return socket.socket(family, kind, protocol)
