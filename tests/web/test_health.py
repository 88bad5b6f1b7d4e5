"""Health as a load balancer sees it, of a web server whose other servers are away or silent."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from devtools.faults.proxy import Proxy
from tests.flow.test_blackholes import through
from tests.waiting import until

TOKEN = "of-the-operators"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
CROWD = 24
WORKERS = 2
DOWN = {"status": "down", "database": "unreachable"}.items()


class Silent:
    """A server that takes connections and says nothing; `taken` counts them."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self.open.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()
        for each in self.open:
            each.close()


def ready(origin: str, **headers: str) -> requests.Response:
    return requests.get(f"{origin}/health/ready/", headers=headers, timeout=30)


def test_with_all_servers_it_is_ready_and_operators_are_told_of_each(serve):
    origin = serve(METRICS_TOKEN=TOKEN)
    assert ready(origin).json() == {"status": "ok"}
    assert ready(origin, Authorization="Bearer " + "x" * 64).json() == {"status": "ok"}
    well = {"status": "ok", "database": "ok", "broker": "ok", "cache": "ok"}
    until(lambda: ready(origin, **OPERATOR).json() == well)


def test_without_broker_and_cache_posts_are_still_taken(serve):
    origin = serve(
        METRICS_TOKEN=TOKEN, BROKER_URL="amqp://127.0.0.1:1//", REDIS_URL="redis://127.0.0.1:1/0"
    )
    for _ in range(3):
        answer = ready(origin, **OPERATOR)
        assert answer.status_code == 200
        states = answer.json()
        assert states["status"] == states["database"] == "ok"
        assert states["broker"] == states["cache"] == "unreachable"


def test_a_silent_broker_is_waited_for_by_nobody_who_asks(serve, world):
    broker = Silent()
    try:
        origin = serve(METRICS_TOKEN=TOKEN, BROKER_URL=f"amqp://127.0.0.1:{broker.port}//")
        alice = world.sign_up("alice")
        bearer = {"Authorization": f"Bearer {alice.token}"}
        paths = ["/health/ready/"] * CROWD + ["/health/live/", "/api/v1/timeline/"] * 4
        with ThreadPoolExecutor(len(paths)) as crowd:
            asked = [
                crowd.submit(
                    requests.get,
                    origin + path,
                    headers=OPERATOR if path == "/health/ready/" else bearer,
                    timeout=30,
                )
                for path in paths
            ]
            answers = [each.result() for each in asked]
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["broker"] for answer in answers[:CROWD]} == {"unreachable"}
        # One look of each worker, and perhaps its next.
        assert 1 <= len(broker.open) <= 2 * WORKERS
    finally:
        broker.close()


def test_it_is_not_ready_while_the_database_is_away_and_is_ready_again_after(serve, database_url):
    link = Proxy(int(database_url.rpartition(":")[2].partition("/")[0])).start()
    try:
        url = through(link, database_url)
        origin = serve(METRICS_TOKEN=TOKEN, DATABASE_URL=url, DATABASE_DIRECT_URL=url)
        assert ready(origin).status_code == 200
        for fault in (link.refuse, link.blackhole):
            fault()
            until(lambda: ready(origin).status_code == 503)
            # The other worker may have looked a moment before.
            until(lambda: ready(origin, **OPERATOR).json().items() >= DOWN)
            link.heal()
            until(lambda: ready(origin).status_code == 200)
    finally:
        link.stop()
