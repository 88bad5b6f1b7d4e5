"""Virtual hosts of a RabbitMQ, by its management API: a clean broker inside the broker."""

import base64
import json
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen


def fresh(management_url: str, broker_url: str, name: str) -> str:
    """Delete and create the virtual host `name`; returns the broker's URL for it.

    Both URLs bear a user with the administrator tag.
    """
    _ask(management_url, "DELETE", name)
    _ask(management_url, "PUT", name)
    return urlunsplit(urlsplit(broker_url)._replace(path=f"/{quote(name, safe='')}"))


def queues(management_url: str, name: str) -> list[dict]:
    """The virtual host's queues, as the management API describes them."""
    return json.loads(_call(management_url, "GET", f"queues/{quote(name, safe='')}"))


def _ask(management_url: str, method: str, name: str) -> None:
    _call(management_url, method, f"vhosts/{quote(name, safe='')}", missing_ok=method == "DELETE")


def _call(management_url: str, method: str, path: str, missing_ok: bool = False) -> bytes:
    parts = urlsplit(management_url)
    credentials = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    url = urlunsplit(parts._replace(netloc=f"{parts.hostname}:{parts.port}", path=f"/api/{path}"))
    request = Request(url, method=method, headers={"Authorization": f"Basic {credentials}"})
    try:
        with urlopen(request, timeout=10) as response:
            return response.read()
    except OSError as error:
        if missing_ok and getattr(error, "code", None) == 404:
            return b""
        raise
