"""RabbitMQ's management API, which tells what the AMQP protocol does not: bindings, arguments and
policies."""

import base64
import json
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 5


def ask(management_url: str, broker_url: str, what: str) -> list[dict]:
    """What there is of `what` (queues, bindings, policies) in the broker's virtual host.

    `management_url` bears the login. Raises OSError.
    """
    vhost = urlsplit(broker_url).path[1:] or "/"
    parts = urlsplit(management_url)
    login = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    path = f"/api/{what}/{vhost if '%' in vhost else quote(vhost, safe='')}"
    url = urlunsplit(parts._replace(netloc=host, path=path))
    request = Request(url, headers={"Authorization": f"Basic {login}"})
    with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        return json.load(response)
