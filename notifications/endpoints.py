"""Which push endpoints are taken: URLs that clients chose, so a way to make us call anywhere.

Guarantee: only https on the known push services' hosts; loopback only where a setting allows it.
"""

from urllib.parse import urlsplit

from django.conf import settings


class EndpointError(ValueError):
    """The endpoint is none that we send to."""


def check_endpoint(endpoint: str) -> None:
    """Raises EndpointError; its message never tells what is reachable."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise EndpointError("This is no URL.") from None
    if settings.PUSH_ALLOW_LOOPBACK and host == "127.0.0.1":
        return
    known = any(host == name or host.endswith(f".{name}") for name in settings.PUSH_HOSTS)
    plain = not parts.username and not parts.password and port in (None, 443)
    if parts.scheme != "https" or not known or not plain:
        raise EndpointError("This is no endpoint of a push service that we know.")
