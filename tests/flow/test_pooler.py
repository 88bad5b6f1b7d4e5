"""Connectify behind PgBouncer in transaction mode; only `DATABASE_DIRECT_URL` goes past it."""

import os

import pytest

from devtools.servers import databases, pgbouncer
from devtools.servers.pgbouncer import PgBouncer
from devtools.servers.ports import Ports
from tests.environment import own_name
from tests.flow.conftest import ROOT, own, running
from tests.flow.world import World
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,  # It starts every process once more: 15 s.
    pytest.mark.skipif(
        pgbouncer.binary() is None, reason="PgBouncer is not installed: apt-get install pgbouncer"
    ),
]

ROLLED_UP = "SELECT coalesce(sum(posts), 0) FROM analytics_rollup WHERE period = 'day'"
RECONCILED = "SELECT count(*) FROM events_reconciliation"


@pytest.fixture(scope="module")
def direct_url() -> str:
    return databases.make(os.environ["DATABASE_URL"], own_name("connectify_pooled"))


@pytest.fixture(scope="module")
def pooler(direct_url, tmp_path_factory) -> PgBouncer:
    home = tmp_path_factory.mktemp("pooler")
    pooler = PgBouncer(home, Ports(home / "ports.json"), os.environ, direct_url)
    pooler.start()
    pooler.wait_ready()
    yield pooler
    pooler.stop()


@pytest.fixture(scope="module")
def pooled(node, direct_url, pooler, tmp_path_factory):
    environ = own(node, direct_url)
    databases.migrate(ROOT, environ)
    environ |= {"DATABASE_URL": pooler.url}
    with running(environ, tmp_path_factory.mktemp("pooled"), without=["flower"]) as processes:
        yield processes


@pytest.fixture
def world(pooled, direct_url, node):
    world = World(pooled.origin, direct_url, node.environment()["BROKER_URL"])
    yield world
    world.close()


def test_posts_arrive_and_the_periodic_tasks_do_their_work(world, node):
    alice, bob = world.sign_up("alice"), world.sign_up("bob")
    world.follow(bob, alice)
    crowd = world.crowd(alice, 300)
    posts = [world.post(alice) for _ in range(20)]
    until(lambda: world.timeline(bob) == posts[::-1])
    until(lambda: all(world.owners(post) == {bob.id, *crowd} for post in posts))
    # Beat's tasks take locks that outlive a transaction.
    until(lambda: world.sql(ROLLED_UP) != [(0,)])
    until(lambda: world.sql(RECONCILED) != [(0,)], 60)
