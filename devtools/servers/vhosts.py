"""Virtual hosts of a RabbitMQ, by its management API: a clean broker inside the broker."""

import base64
import json
import time
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

LEADER_SECONDS = 30.0
LOOK_SECONDS = 0.5


def fresh(management_url: str, broker_url: str, name: str) -> str:
    """Delete and create the virtual host `name`; returns the broker's URL for it.

    Both URLs bear a user with the administrator tag. Raises OSError.
    """
    _wait_for_leaders(management_url, name)
    _ask(management_url, "DELETE", name)
    _ask(management_url, "PUT", name)
    return urlunsplit(urlsplit(broker_url)._replace(path=f"/{quote(name, safe='')}"))


def queues(management_url: str, name: str) -> list[dict]:
    """The virtual host's queues, as the management API describes them."""
    return json.loads(_call(management_url, "GET", f"queues/{quote(name, safe='')}"))


def _wait_for_leaders(management_url: str, name: str) -> None:
    """Until the queues that were left can be deleted: RabbitMQ 3.10 fails halfway on quorum queues
    without a leader, as they are for seconds after its start, and then refuses to declare them
    anew (541)."""
    deadline = time.monotonic() + LEADER_SECONDS
    while time.monotonic() < deadline:
        try:
            found = queues(management_url, name)
        except HTTPError:
            return  # There is no such virtual host.
        if all(queue.get("state") == "running" and queue.get("leader") for queue in found):
            return
        time.sleep(LOOK_SECONDS)


def _ask(management_url: str, method: str, name: str) -> None:
    _call(management_url, method, f"vhosts/{quote(name, safe='')}", missing_ok=method == "DELETE")


def _call(management_url: str, method: str, path: str, missing_ok: bool = False) -> bytes:
    parts = urlsplit(management_url)
    credentials = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=host, path=f"/api/{path}"))
    request = Request(url, method=method, headers={"Authorization": f"Basic {credentials}"})
    try:
        with urlopen(request, timeout=10) as response:
            return response.read()
    except OSError as error:
        if missing_ok and getattr(error, "code", None) == 404:
            return b""
        raise
