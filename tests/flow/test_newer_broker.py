"""The upgrade of RabbitMQ by an empty broker of the next version, as docs/operations.md describes
it: every process goes on running, and what the old broker held is sent again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.servers import databases, probe
from devtools.servers.services import Services
from tests.devtools.servers.private_broker import up_or_skip
from tests.environment import own_name
from tests.environment import services as development
from tests.flow.conftest import ROOT, own, running
from tests.flow.lost_messages import left_waiting, recovered
from tests.flow.world import World

VERSIONS = ("3.10", "4.0", "4.3")


@pytest.fixture
def clone(tmp_path) -> Iterator[Path]:
    yield tmp_path
    broker(tmp_path, VERSIONS[0]).down(lambda line: None)


def broker(clone: Path, version: str) -> Services:
    """A clone's servers with this RabbitMQ, whose address is that of the others."""
    others = {name: os.environ[name] for name in ("PATH", "DATABASE_URL", "REDIS_URL")}
    unpacked = development.brokers.releases.unpacked
    return Services(clone, others, rabbitmq=version, unpacked=unpacked)


def start(clone: Path, version: str) -> Services:
    """Where another version ran, it takes its place."""
    services = broker(clone, version)
    up_or_skip(services)
    assert probe.rabbitmq(services.rabbitmq.url).startswith(version)
    return services


@pytest.mark.slow  # All processes and three brokers are started.
@pytest.mark.timeout(500)
def test_posts_that_waited_in_the_old_broker_arrive_by_the_new_one(clone, tmp_path):
    services = start(clone, VERSIONS[0])
    database_url = databases.make(os.environ["DATABASE_URL"], own_name("connectify_upgrade"))
    environ = own(services, database_url)
    databases.migrate(ROOT, environ)
    home = tmp_path / "processes"
    home.mkdir()
    with running(environ, home) as processes:
        world = World(processes.origin, database_url, environ["BROKER_URL"])
        alice = world.sign_up("alice")
        followers = world.crowd(alice, 100)
        for version in VERSIONS[1:]:
            posts = left_waiting(world, environ["BROKER_URL"], alice)
            start(clone, version)
            recovered(world, environ, posts, followers)
        world.close()
