"""Virtual hosts of a RabbitMQ, made through its management API: each is like a clean broker."""

import time
from urllib.parse import quote, urlsplit, urlunsplit

from requests import HTTPError

from devtools.servers.management import ManagementApi

LEADER_SECONDS = 30.0
POLL_SECONDS = 0.5


def fresh(management_url: str, broker_url: str, name: str) -> str:
    """Delete and create the virtual host `name`; return the broker's URL for it.

    The user in both URLs needs the administrator tag. Raises OSError.
    """
    management = ManagementApi(management_url)
    try:
        _wait_for_leaders(management, name)
        management.call("DELETE", "vhosts", name)
    except HTTPError as error:
        if error.response.status_code != 404:
            raise
    management.call("PUT", "vhosts", name)
    return urlunsplit(urlsplit(broker_url)._replace(path=f"/{quote(name, safe='')}"))


def queues(management_url: str, name: str) -> list[dict]:
    """The virtual host's queues, in the management API's format."""
    return ManagementApi(management_url).get("queues", name)


def _wait_for_leaders(management: ManagementApi, name: str) -> None:
    """Wait until the remaining queues can be deleted. RabbitMQ 3.10 fails halfway on quorum queues
    without a leader, and then refuses to declare them again (541). Queues have no leader for some
    seconds after RabbitMQ's start."""
    deadline = time.monotonic() + LEADER_SECONDS
    while time.monotonic() < deadline:
        found = management.get("queues", name)
        if all(queue.get("state") == "running" and queue.get("leader") for queue in found):
            return
        time.sleep(POLL_SECONDS)
