"""The whole of Connectify as processes, on a database and a broker of the flow tests' own."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from devtools.processes import Supervisor, connectify
from devtools.servers import databases
from devtools.servers.ports import Ports
from devtools.servers.rabbitmq_releases import VARIABLE
from devtools.servers.services import Services
from tests.environment import own_name
from tests.environment import services as development
from tests.flow.world import World

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def node(tmp_path_factory) -> Services:
    """A RabbitMQ that these tests may stop and kill."""
    others = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL", VARIABLE)}
    unpacked = development.brokers.releases.unpacked
    node = Services(tmp_path_factory.mktemp("flow"), others, unpacked=unpacked)
    node.up(lambda line: None)
    yield node
    node.down(lambda line: None)


@pytest.fixture(scope="session")
def database_url() -> str:
    """A fresh database, so that what these processes commit meets no other test."""
    return databases.make(os.environ["DATABASE_URL"], own_name("connectify_flow"))


@pytest.fixture(scope="session")
def processes(node, database_url, tmp_path_factory) -> Supervisor:
    environ = own(node, database_url)
    databases.migrate(ROOT, environ)
    with running(environ, tmp_path_factory.mktemp("processes")) as processes:
        yield processes


def own(node: Services, database_url: str) -> dict[str, str]:
    """What Connectify's processes run with."""
    return os.environ | {
        "DATABASE_URL": database_url,
        "DATABASE_DIRECT_URL": database_url,
        "BROKER_URL": node.environment()["BROKER_URL"],
        "LOG_LEVEL": "INFO",  # As in production: test_logs.py reads what is logged.
        # A few hundred followers are several tasks.
        "PUSH_TASK_SUBSCRIBERS": "50",
    }


@contextmanager
def running(
    environ: Mapping[str, str],
    home: Path,
    without: Collection[str] = ("flower", "beat"),
    root: Path = ROOT,
) -> Iterator[Supervisor]:
    """All of Connectify, from the files in `root`, with its address as `origin`."""
    ports = Ports(home / "ports.json")
    ports.claim("web", "flower")
    table = connectify(environ, web_port=ports["web"], flower_port=ports["flower"])
    for name in without:
        del table[name]
    processes = Supervisor(table, root=root, home=home, environ=environ)
    processes.origin = f"http://127.0.0.1:{ports['web']}"
    try:
        processes.start()
        processes.wait_ready()
        yield processes
    finally:
        processes.stop()


@pytest.fixture
def world(processes, database_url, node) -> World:
    world = World(processes.origin, database_url, node.environment()["BROKER_URL"])
    yield world
    world.close()
