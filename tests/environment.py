"""The environment of the tests: the servers of bin/services, and of each server a part of its own.

Tests run in several processes at once (pytest-xdist), which share the servers. Each process has
its own virtual host in RabbitMQ, database number in Valkey, and databases in PostgreSQL. Loaded by
pytest before Django reads its settings. Where a server cannot be had, its URL leads nowhere, and
the tests that need it are skipped, or fail in CI.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from devtools.servers import vhosts
from devtools.servers.rabbitmq_releases import VARIABLE
from devtools.servers.services import Services

NOWHERE = {
    "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:1/nothing",
    "BROKER_URL": "amqp://nobody:nothing@127.0.0.1:1//",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
# gw0, gw1 and so on; empty where pytest runs all tests in one process, and in xdist's controller.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


def own_name(name: str) -> str:
    """The name of a database or a virtual host, as only this process of pytest uses it."""
    return f"{name}_{WORKER}" if WORKER else name


VHOST = own_name("test")


def _own_valkey(url: str) -> str:
    """Valkey has 16 databases, numbered from 0."""
    number = int(WORKER.removeprefix("gw") or 0)
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


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
if WORKER and "Valkey" not in missing:
    available["REDIS_URL"] = _own_valkey(available["REDIS_URL"])
# xdist's processes load the plugins of their command line only after Django's settings, but those
# that this variable names before them.
os.environ["PYTEST_PLUGINS"] = __name__
os.environ.update(available, PUSH_ALLOW_LOOPBACK="1", LOG_LEVEL="WARNING")
# Servers that a test starts for itself have the same version.
os.environ[VARIABLE] = services.brokers.series(services.rabbitmq)
