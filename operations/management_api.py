"""A client of RabbitMQ's management API, for what AMQP does not offer: reading bindings, arguments
and policies, and creating users."""

import base64
import json
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 5


def ask(management_url: str, broker_url: str, what: str) -> list[dict[str, Any]]:
    """Return all `what` (queues, bindings or policies) of the broker's virtual host.

    `management_url` contains the login. Raises OSError.
    """
    found: list[dict[str, Any]] = json.loads(
        _call(management_url, "GET", f"{what}/{_vhost(broker_url)}")
    )
    return found


def make_user(
    management_url: str,
    broker_url: str,
    name: str,
    password: str,
    *,
    tags: str = "",
    configure: str = "^$",
    write: str = "^$",
    read: str = "^$",
) -> None:
    """Create a user, or change its password and rights. The patterns say which exchanges and queues
    of the broker's virtual host it may declare, write to and read from; by default none. Raises
    OSError."""
    quoted = quote(name, safe="")
    _call(management_url, "PUT", f"users/{quoted}", {"password": password, "tags": tags})
    rights = {"configure": configure, "write": write, "read": read}
    _call(management_url, "PUT", f"permissions/{_vhost(broker_url)}/{quoted}", rights)


def _vhost(broker_url: str) -> str:
    path = urlsplit(broker_url).path[1:] or "/"
    return path if "%" in path else quote(path, safe="")


def _call(management_url: str, method: str, path: str, body: dict[str, str] | None = None) -> bytes:
    parts = urlsplit(management_url)
    login = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=host, path=f"/api/{path}"))
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, method=method, headers=headers)
    # The URL comes from the operator's own settings.
    with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # nosec B310
        return bytes(response.read())
