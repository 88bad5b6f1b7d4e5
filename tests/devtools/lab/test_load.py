"""A load posts at its rate whatever the server answers, and insists where it should."""

import asyncio
import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from aiohttp import web

from devtools.lab.load import BackgroundLoad
from tests.waiting import until

ALICE = 1
TOKENS = {ALICE: "alices"}


class Server:
    """Refuses the first `refusals` requests for posts, and takes the others."""

    def __init__(self, refusals: int):
        self.refusals = refusals
        self.keys: Counter[str | None] = Counter()
        self.origin = ""

    async def post(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer alices"
        self.keys[request.headers.get("Idempotency-Key")] += 1
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503, headers={"Retry-After": "1"})
        return web.json_response({"id": 70 + self.keys.total()}, status=201)


@contextmanager
def serving(refusals: int):
    server, loop = Server(refusals), asyncio.new_event_loop()
    application = web.Application()
    application.add_routes([web.post("/api/v1/posts/", server.post)])
    runner = web.AppRunner(application)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(start(), loop).result()
    yield server
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def load():
    """Makes a load of three posts on a server, and runs it to its end."""

    def run(server: Server, **options) -> BackgroundLoad:
        content = "post {}".format
        load = BackgroundLoad(
            server.origin, TOKENS, [ALICE] * 3, rate=50.0, content=content, **options
        )
        load.start()
        until(lambda: len(load.attempts.accepted) + len(load.attempts.refused) == 3)
        load.stop()
        return load

    return run


def test_each_post_is_accepted_with_its_id_and_its_time(load):
    with serving(refusals=0) as server:
        attempts = load(server).attempts
    assert sorted(attempts.ids) == [0, 1, 2]
    assert all(attempt.at_once and attempt.seconds > 0 for attempt in attempts)
    assert server.keys == {None: 3}


def test_a_refused_post_is_not_sent_again_and_says_why(load):
    with serving(refusals=1) as server:
        found = load(server)
    (problem,) = found.attempts.refused.values()
    assert "503" in problem
    assert len(found.attempts.accepted) == 2
    assert found.answers == {"201": 2, "503 with Retry-After": 1}


def test_a_load_that_insists_sends_a_refused_post_again_with_the_same_key(load):
    with serving(refusals=1) as server:
        accepted = []
        attempts = load(server, retry_seconds=0.05, accepted=accepted.append).attempts
    assert len(accepted) == len(attempts.accepted) == 3
    assert sorted(server.keys.values()) == [1, 1, 2]
    assert None not in server.keys
    assert sum(attempt.rejected[503] for attempt in attempts) == 1
