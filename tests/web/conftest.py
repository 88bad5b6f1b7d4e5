"""A web server as in production, on a database of its own, and people who use it."""

import os
from pathlib import Path

import pytest

from stack import databases
from stack.ports import Ports
from stack.processes import Processes
from stack.processes.table import web
from tests.flow.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "connectify_web"


@pytest.fixture(scope="session")
def database_url() -> str:
    return databases.make(os.environ["DATABASE_URL"], DATABASE)


@pytest.fixture(scope="session")
def ports(tmp_path_factory) -> Ports:
    ports = Ports(tmp_path_factory.mktemp("ports") / "ports.json")
    ports.claim("web")
    return ports


@pytest.fixture(scope="session")
def processes(database_url, ports, tmp_path_factory) -> Processes:
    environ = os.environ | {"DATABASE_URL": database_url, "DATABASE_DIRECT_URL": database_url}
    databases.migrate(ROOT, environ)
    home = tmp_path_factory.mktemp("web")
    processes = Processes({"web": web(ports["web"])}, root=ROOT, home=home, environ=environ)
    try:
        processes.start()
        processes.wait_ready()
        yield processes
    finally:
        processes.stop()


@pytest.fixture(scope="session")
def origin(processes, ports) -> str:
    return f"http://127.0.0.1:{ports['web']}"


@pytest.fixture
def world(origin, database_url) -> World:
    world = World(origin, database_url, os.environ["BROKER_URL"])
    yield world
    world.close()
