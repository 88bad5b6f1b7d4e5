"""What clients are told while no packet reaches PostgreSQL, and how soon all is well again."""

import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests

from devtools.faults.proxy import Proxy
from tests.flow.test_blackholes import through
from tests.waiting import until

# As long as a patient client waits. Eight threads that each waited for a connection of their own
# would answer the last of the requests below after more than 40 s.
TIMEOUT_SECONDS = 30
CROWD = 64


@pytest.fixture
def link(database_url) -> Iterator[Proxy]:
    proxy = Proxy(int(database_url.rpartition(":")[2].partition("/")[0])).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def behind(link, database_url, serve) -> str:
    """The origin of a web server of its own behind the link."""
    url = through(link, database_url)
    return serve(DATABASE_URL=url, DATABASE_DIRECT_URL=url)


def test_everybody_is_answered_while_the_database_is_out_of_reach(behind, link, world):
    alice = world.sign_up("alice")
    headers = {"Authorization": f"Bearer {alice.token}"}

    def ask(_=None) -> requests.Response:
        url = f"{behind}/api/v1/timeline/"
        return requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS)

    with ThreadPoolExecutor(CROWD) as crowd:
        assert {answer.status_code for answer in crowd.map(ask, range(CROWD))} == {200}
        link.blackhole()
        answers = list(crowd.map(ask, range(CROWD)))
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["Retry-After"] for answer in answers)
        link.heal()
        until(lambda: ask().status_code == 200)
        assert {answer.status_code for answer in crowd.map(ask, range(CROWD))} <= {200, 503}


def test_only_so_many_connections_wait_at_the_web_server(behind):
    """Each worker holds 128, and 128 wait for one; Linux lets one more in."""
    port = int(behind.rpartition(":")[2])
    with ExitStack() as opened:
        clients = [opened.enter_context(socket.socket()) for _ in range(600)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        connected = len(select.select([], clients, [], 1)[1])
    assert connected <= 3 * 128 + 1
