"""All of Connectify behind links that swallow every packet for longer than any limit of time."""

import os
import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from devtools.faults.proxy import Proxy
from devtools.servers import databases
from tests.environment import own_name
from tests.flow.conftest import ROOT, own, running
from tests.flow.world import World
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.database,
    pytest.mark.broker,
    pytest.mark.timeout(240),
]

BLACK_SECONDS = 60
# Posts that one of the three subscribers has not had.
UNFINISHED = """
    SELECT count(*) FROM events_outboxevent event
    WHERE routing_key = 'post.created' AND (
        SELECT count(*) FROM events_inboxentry entry WHERE entry.event_id = event.event_id
    ) < 3
"""


@pytest.fixture(scope="module")
def direct_url() -> str:
    return databases.make(os.environ["DATABASE_URL"], own_name("connectify_blackholes"))


def before(url: str) -> Proxy:
    return Proxy(urlsplit(url).port).start()


def through(proxy: Proxy, url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(str(parts.port), str(proxy.port))))


@pytest.fixture(scope="module")
def links(node, direct_url) -> Iterator[dict[str, Proxy]]:
    """By the variables that name them."""
    made = {
        "DATABASE_URL": before(direct_url),
        "BROKER_URL": before(node.environment()["BROKER_URL"]),
    }
    yield made
    for proxy in made.values():
        proxy.stop()


@pytest.fixture(scope="module")
def processes(node, direct_url, links, tmp_path_factory):
    environ = own(node, direct_url)
    databases.migrate(ROOT, environ)
    environ |= {variable: through(proxy, environ[variable]) for variable, proxy in links.items()}
    environ["DATABASE_DIRECT_URL"] = environ["DATABASE_URL"]
    with running(environ, tmp_path_factory.mktemp("blackholes")) as processes:
        yield processes


@pytest.fixture
def world(processes, direct_url, node):
    world = World(processes.origin, direct_url, node.environment()["BROKER_URL"])
    yield world
    world.close()


@pytest.mark.parametrize("link", ["DATABASE_URL", "BROKER_URL"])
def test_every_process_is_back_within_30_s_of_the_end_of_a_blackhole(link, world, links, processes):
    alice, bob = world.sign_up(f"alice{link[0]}"), world.sign_up(f"bob{link[0]}")
    world.follow(bob, alice)
    first = world.post(alice)
    until(lambda: world.timeline(bob) == [first])
    links[link].blackhole()
    second = [world.post(alice)] if link == "BROKER_URL" else []  # Posting goes on.
    time.sleep(BLACK_SECONDS)
    links[link].heal()
    healed = time.monotonic()
    until(lambda: world.call(alice, "GET", "timeline/").status_code == 200)
    posts = [world.post(alice), *second, first]
    until(lambda: world.timeline(bob) == posts and world.sql(UNFINISHED) == [(0,)])
    assert time.monotonic() - healed < 30
    assert processes.dead() == []
