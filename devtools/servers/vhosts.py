"""Virtual hosts of a RabbitMQ, by its management API: a clean broker inside the broker."""

import time
from urllib.parse import quote, urlsplit, urlunsplit

from requests import HTTPError

from devtools.servers.management import ManagementApi

LEADER_SECONDS = 30.0
POLL_SECONDS = 0.5


def fresh(management_url: str, broker_url: str, name: str) -> str:
    """Delete and create the virtual host `name`; returns the broker's URL for it.

    Both URLs bear a user with the administrator tag. Raises OSError.
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
    """The virtual host's queues, as the management API describes them."""
    return ManagementApi(management_url).get("queues", name)


def _wait_for_leaders(management: ManagementApi, name: str) -> None:
    """Until the queues that were left can be deleted: RabbitMQ 3.10 fails halfway on quorum queues
    without a leader, as they are for seconds after its start, and then refuses to declare them
    anew (541)."""
    deadline = time.monotonic() + LEADER_SECONDS
    while time.monotonic() < deadline:
        found = management.get("queues", name)
        if all(queue.get("state") == "running" and queue.get("leader") for queue in found):
            return
        time.sleep(POLL_SECONDS)
