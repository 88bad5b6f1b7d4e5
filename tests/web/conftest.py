"""A web server as in production, on a database of its own, and people who use it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from devtools.processes import Supervisor
from devtools.processes.table import web
from devtools.servers import databases
from devtools.servers.ports import Ports
from tests.environment import own_name
from tests.flow.world import World

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def database_url() -> str:
    return databases.make(os.environ["DATABASE_URL"], own_name("connectify_web"))


@contextmanager
def serving(environ: dict[str, str], home: Path) -> Iterator[tuple[Supervisor, str]]:
    """A web server with these variables, as processes, and its origin."""
    ports = Ports(home / "ports.json")
    ports.claim("web")
    processes = Supervisor({"web": web(ports["web"])}, root=ROOT, home=home, environ=environ)
    try:
        processes.start()
        processes.wait_ready()
        yield processes, f"http://127.0.0.1:{ports['web']}"
    finally:
        processes.stop()


@pytest.fixture(scope="session")
def environ(database_url) -> dict[str, str]:
    environ = os.environ | {"DATABASE_URL": database_url, "DATABASE_DIRECT_URL": database_url}
    databases.migrate(ROOT, environ)
    return environ


@pytest.fixture(scope="session")
def running(environ, tmp_path_factory) -> Iterator[tuple[Supervisor, str]]:
    with serving(environ, tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture(scope="session")
def processes(running) -> Supervisor:
    return running[0]


@pytest.fixture(scope="session")
def origin(running) -> str:
    return running[1]


@pytest.fixture
def serve(environ, tmp_path_factory) -> Iterator[Callable[..., str]]:
    """Start another web server with other variables; its origin."""
    with ExitStack() as started:

        def serve(**others: str) -> str:
            home = tmp_path_factory.mktemp("web")
            return started.enter_context(serving(environ | others, home))[1]

        yield serve


@pytest.fixture
def world(origin, database_url) -> World:
    world = World(origin, database_url, os.environ["BROKER_URL"])
    yield world
    world.close()
