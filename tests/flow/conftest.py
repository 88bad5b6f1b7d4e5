"""The whole of Connectify as processes, on a database and a broker of the flow tests' own."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from stack.ports import Ports
from stack.processes import Processes, connectify
from stack.services import Services
from tests.environment import services as development
from tests.flow.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "connectify_flow"


@pytest.fixture(scope="session")
def node(tmp_path_factory) -> Services:
    """A RabbitMQ that these tests may stop and kill."""
    others = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    node = Services(tmp_path_factory.mktemp("flow"), others, unpacked=development.rabbitmq.unpacked)
    node.up(lambda line: None)
    yield node
    node.down(lambda line: None)


@pytest.fixture(scope="session")
def database_url() -> str:
    """A fresh database, so that what these processes commit meets no other test."""
    server = os.environ["DATABASE_URL"]
    connection = psycopg2.connect(server)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    return urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))


@pytest.fixture(scope="session")
def processes(node, database_url, tmp_path_factory) -> Processes:
    environ = os.environ | {
        "DATABASE_URL": database_url,
        "DATABASE_DIRECT_URL": database_url,
        "BROKER_URL": node.environment()["BROKER_URL"],
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environ, check=True
    )
    home = tmp_path_factory.mktemp("processes")
    ports = Ports(home / "ports.json")
    ports.claim("web", "flower")
    table = connectify(
        environ, web_port=ports["web"], flower_port=ports["flower"], schedule=home / "schedule"
    )
    for name in ("flower", "beat"):
        del table[name]
    processes = Processes(table, root=ROOT, home=home, environ=environ)
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
