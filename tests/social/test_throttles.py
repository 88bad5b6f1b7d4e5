import os
import socket
import uuid

import pytest
from redis import Redis

from social.throttles import PAUSE_SECONDS, Counters, Limit, LimitState
from tests.at_once import at_once

WINDOW = 60


@pytest.fixture
def counters():
    return Counters(os.environ["REDIS_URL"], WINDOW)


def limit(quota: int) -> Limit:
    """A limit of a caller that no other test uses."""
    return Limit("user", f"test:{uuid.uuid4()}", quota)


def test_a_caller_has_no_more_requests_than_the_quota(counters):
    allowed = limit(2)
    states = [counters.hit([allowed])[0] for _ in range(4)]
    assert [state.remaining for state in states] == [1, 0, -1, -1]
    assert all(WINDOW - 2 <= state.seconds <= WINDOW for state in states)


def test_the_time_to_wait_is_at_least_one_second(counters):
    exceeded = limit(0)
    counters.hit([exceeded])
    with Redis.from_url(os.environ["REDIS_URL"]) as valkey:
        # Valkey rounds that to 0 seconds.
        valkey.pexpire(exceeded.key, 400)
    assert counters.hit([exceeded]) == [LimitState(exceeded, -1, 1)]


def test_callers_are_counted_separately(counters):
    one, other = limit(1), limit(1)
    counters.hit([one])
    assert [state.remaining for state in counters.hit([one, other])] == [-1, 0]


def test_requests_at_the_same_moment_are_each_counted(counters):
    shared = limit(100)
    at_once(lambda: [counters.hit([shared]) for _ in range(10)], threads=4)
    assert counters.hit([shared])[0].remaining == 59


def test_every_counter_expires(counters):
    shared = limit(1)
    counters.hit([shared])
    with Redis.from_url(os.environ["REDIS_URL"]) as valkey:
        assert 0 < valkey.ttl(shared.key) <= WINDOW


@pytest.fixture
def silent():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def connections(server) -> int:
    """The number of connections since the last call."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_without_valkey_nothing_is_refused_and_it_is_retried_after_a_pause(silent):
    now = 0.0
    unreachable = Counters(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", WINDOW, lambda: now)
    assert unreachable.hit([limit(0)]) == []
    assert connections(silent) > 0
    assert unreachable.hit([limit(0)]) == []
    assert connections(silent) == 0
    now = PAUSE_SECONDS
    assert unreachable.hit([limit(0)]) == []
    assert connections(silent) > 0
