"""The environment of the tests: the servers of bin/services, with a broker of their own.

Loaded by pytest before Django reads its settings. Where a server cannot be had, its URL leads
nowhere, and the tests that need it are skipped, or fail in CI.
"""

import os
from pathlib import Path

from devtools.servers import vhosts
from devtools.servers.services import Services

NOWHERE = {
    "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:1/nothing",
    "BROKER_URL": "amqp://nobody:nothing@127.0.0.1:1//",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
VHOST = "test"

services = Services(Path(__file__).resolve().parent.parent)
missing = {entry.label: entry.problem for entry in services.status() if not entry.reachable}
available = services.environment() | {
    variable: NOWHERE[variable]
    for variable, server in services.by_variable.items()
    if server.label in missing
}
if "RabbitMQ" not in missing and "BROKER_MANAGEMENT_URL" in available:
    available["BROKER_URL"] = vhosts.fresh(
        available["BROKER_MANAGEMENT_URL"], available["BROKER_URL"], VHOST
    )
os.environ.update(available, PUSH_ALLOW_LOOPBACK="1", LOG_LEVEL="WARNING")
