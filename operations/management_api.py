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


def make_monitor(management_url: str, broker_url: str, name: str, password: str) -> None:
    """Create a user who may only monitor the broker's virtual host. Raises OSError."""
    user = {"password": password, "tags": "monitoring"}
    _call(management_url, "PUT", f"users/{quote(name, safe='')}", user)
    nothing = {"configure": "^$", "write": "^$", "read": "^$"}
    where = f"permissions/{_vhost(broker_url)}/{quote(name, safe='')}"
    _call(management_url, "PUT", where, nothing)


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
