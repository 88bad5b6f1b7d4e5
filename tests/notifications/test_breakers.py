import uuid

import pytest
from django.conf import settings
from redis import Redis
from structlog.testing import capture_logs

from notifications.breaker_board import Board
from notifications.breakers import (
    LONGEST_SECONDS,
    OPEN_SECONDS,
    PROBED_SECONDS,
    THRESHOLD,
    Breakers,
)

NOWHERE = "redis://127.0.0.1:1/0"


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def origin() -> str:
    """A push service that no other test speaks of."""
    return f"https://{uuid.uuid4().hex}.example"


@pytest.fixture
def process(clock):
    """Makes the breakers of one process after the other; `process(url)` of one with this Valkey."""
    made = []

    def make(url: str = settings.REDIS_URL) -> Breakers:
        made.append(Breakers(Board(url), clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


def fail(process: Breakers, origin: str, times: int = THRESHOLD) -> None:
    for _ in range(times):
        process.failed(origin)


def test_a_host_is_left_alone_after_failures_in_a_row(process, origin):
    one = process()
    fail(one, origin, THRESHOLD - 1)
    assert one.wait(origin) == 0
    assert one.failed(origin) == one.wait(origin) == OPEN_SECONDS


def test_an_answer_in_between_begins_the_count_anew(process, origin):
    one = process()
    fail(one, origin, THRESHOLD - 1)
    one.answered(origin)
    fail(one, origin, THRESHOLD - 1)
    assert one.wait(origin) == 0


def test_another_host_is_not_left_alone(process, origin):
    one = process()
    fail(one, origin)
    assert one.wait(f"{origin}:8443") == 0


def test_one_push_probes_the_host_and_its_answer_opens_the_way(process, origin, clock):
    one = process()
    fail(one, origin)
    clock.now += OPEN_SECONDS
    assert one.wait(origin) == 0
    assert one.wait(origin) == PROBED_SECONDS
    one.answered(origin)
    assert one.wait(origin) == one.wait(origin) == 0


def test_after_a_failed_probe_the_host_is_left_alone_for_longer(process, origin, clock):
    one = process()
    fail(one, origin)
    waits = []
    for _ in range(7):
        clock.now += one.wait(origin)
        assert one.wait(origin) == 0
        waits.append(one.failed(origin))
    assert waits == [20, 40, 80, 160, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS]


def test_failures_that_were_on_their_way_do_not_count_again(process, origin):
    one = process()
    fail(one, origin, THRESHOLD * 3)
    assert one.wait(origin) == OPEN_SECONDS


def test_what_one_process_knows_the_others_know_from_their_next_round_on(process, origin, clock):
    one, other = process(), process()
    assert other.wait(origin) == 0
    fail(one, origin)
    assert other.wait(origin) == 0
    other.begin_round()
    assert other.wait(origin) == OPEN_SECONDS
    clock.now += OPEN_SECONDS
    assert (other.wait(origin), one.wait(origin)) == (0, PROBED_SECONDS)
    other.answered(origin)
    one.begin_round()
    assert one.wait(origin) == 0


def test_a_probe_that_died_with_its_process_is_followed_by_another(process, origin, clock):
    one, other = process(), process()
    fail(one, origin)
    clock.now += OPEN_SECONDS
    assert (one.wait(origin), other.wait(origin)) == (0, PROBED_SECONDS)
    clock.now += PROBED_SECONDS
    with Redis.from_url(settings.REDIS_URL) as valkey:
        # Its time is Valkey's own, which no test can turn forward.
        valkey.delete(f"connectify:push:probe:{origin}")
    assert other.wait(origin) == 0


def test_without_valkey_each_process_goes_on_by_itself(process, origin, clock):
    with capture_logs() as lines:
        one, other = process(NOWHERE), process(NOWHERE)
        fail(one, origin)
        assert (one.wait(origin), other.wait(origin)) == (OPEN_SECONDS, 0)
        one.begin_round()
        assert one.wait(origin) == OPEN_SECONDS
        clock.now += OPEN_SECONDS
        assert (one.wait(origin), one.wait(origin)) == (0, PROBED_SECONDS)
        one.answered(origin)
        assert one.wait(origin) == 0
    # Each asks once, and then leaves Valkey alone for a while.
    assert len(lines) == 2


def test_an_emptied_valkey_closes_a_breaker(process, origin):
    one = process()
    fail(one, origin)
    with Redis.from_url(settings.REDIS_URL) as valkey:
        valkey.delete(f"connectify:push:open:{origin}")
    one.begin_round()
    assert one.wait(origin) == 0
