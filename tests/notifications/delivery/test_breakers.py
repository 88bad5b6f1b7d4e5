import uuid

import pytest
from django.conf import settings
from redis import Redis
from structlog.testing import capture_logs

from notifications.delivery.breaker_board import REMEMBER_SECONDS, Board, SharedState
from notifications.delivery.breakers import (
    FEW_USERS,
    MAX_OPEN_SECONDS,
    OPEN_SECONDS,
    RECOVERY_WAIT_SECONDS,
    CircuitBreaker,
)
from notifications.delivery.windows import MIN_USERS, SECONDS, SUBSCRIPTIONS, Result

NOWHERE = "redis://127.0.0.1:1/0"
DEVICES = 16  # of one user


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
    """A push service that no other test uses."""
    return f"https://{uuid.uuid4().hex}.example"


@pytest.fixture
def process(clock, origin):
    """Creates the circuit breaker of another process at each call; `url` is that of its Valkey."""
    made = []

    def make(url: str = settings.REDIS_URL, draw=lambda: 0.0) -> CircuitBreaker:
        made.append(Board(url))
        return CircuitBreaker(origin, made[-1], clock, draw)

    yield make
    for board in made:
        board.erase(origin)
        board.close()


def note(
    breaker: CircuitBreaker, result: Result, users: int, *, devices: int = 1, first: int = 1
) -> None:
    """Note the result of one attempt for each device of `users` users."""
    for user in range(first, first + users):
        for device in range(devices):
            breaker.note_result(user * DEVICES + device, user, result)


def fail(breaker: CircuitBreaker, users: int = MIN_USERS, **more) -> None:
    note(breaker, Result.FAILED, users, **more)


def hear(breaker: CircuitBreaker, board: Board, origin: str, clock: Clock) -> None:
    """Read the shared state, as each round does at its start."""
    breaker.merge(board.read([origin])[origin], clock())


def test_a_circuit_opens_when_most_users_fail(process):
    one = process()
    fail(one, MIN_USERS - 1)
    assert one.delay() == 0
    fail(one, 1, first=MIN_USERS)
    assert one.delay() == one.seconds_open() == OPEN_SECONDS


def test_a_few_users_with_many_devices_do_not_open_a_circuit(process):
    one = process()
    for _ in range(20):
        fail(one, 2, devices=DEVICES)
    assert one.delay() == 0
    note(one, Result.ANSWERED, 20, first=100)
    fail(one, MIN_USERS, devices=DEVICES)
    # 160 of 180 subscriptions, but 10 of 30 users.
    assert one.delay() == 0


def test_many_users_with_one_bad_device_each_do_not_open_a_circuit(process):
    one = process()
    note(one, Result.ANSWERED, 15, devices=4)
    # The first device of each user fails: 15 of 15 users, but 15 of 60 subscriptions.
    fail(one, 15)
    assert one.delay() == 0


def test_only_the_latest_result_of_a_device_counts(process):
    one = process()
    note(one, Result.ANSWERED, 50)
    fail(one, 24)
    assert one.delay() == 0
    fail(one, 1, first=25)
    assert one.delay() == OPEN_SECONDS


def test_old_results_do_not_count(process, clock):
    one = process()
    fail(one, MIN_USERS - 1)
    clock.now += SECONDS + 1
    fail(one, 1, first=100)
    assert one.delay() == 0
    other = process()
    note(other, Result.ANSWERED, 10 * SUBSCRIPTIONS, first=1_000)
    fail(other, SUBSCRIPTIONS // 2, first=5_000)
    assert other.delay() == OPEN_SECONDS


def test_a_recovering_service_gets_a_growing_share_of_the_pushes(process, clock):
    draws = iter([0.03, 0.04, 0.12, 0.13, 0.49, 0.51])
    one = process(draw=lambda: next(draws))
    fail(one)
    clock.now += OPEN_SECONDS
    assert (one.delay(), one.delay()) == (0, RECOVERY_WAIT_SECONDS)  # 1/32 of them
    clock.now += 2
    assert (one.delay(), one.delay()) == (0, RECOVERY_WAIT_SECONDS)  # 1/8
    clock.now += 2
    assert (one.delay(), one.delay()) == (0, RECOVERY_WAIT_SECONDS)  # 1/2
    clock.now += 1
    assert one.delay() == 0  # all of them, without a draw


def test_a_circuit_that_opens_again_stays_open_longer(process, clock):
    one = process()
    fail(one)
    waits = []
    for _ in range(4):
        clock.now += one.seconds_open() + 1
        fail(one, FEW_USERS)
        waits.append(one.seconds_open())
    assert waits == [20, 40, MAX_OPEN_SECONDS, MAX_OPEN_SECONDS]


def test_two_users_do_not_open_a_recovering_circuit(process, clock):
    one = process()
    fail(one)
    clock.now += OPEN_SECONDS + 1
    fail(one, FEW_USERS - 1, devices=DEVICES)
    assert one.seconds_open() == 0


def test_after_a_while_an_opening_is_forgotten(process, clock):
    one = process()
    fail(one)
    clock.now += OPEN_SECONDS + REMEMBER_SECONDS + 1
    fail(one, MIN_USERS - 1)
    assert one.seconds_open() == 0
    fail(one, 1, first=100)
    assert one.seconds_open() == OPEN_SECONDS


def test_failures_of_attempts_in_flight_do_not_count_again(process):
    one = process()
    fail(one, MIN_USERS * 3)
    assert one.delay() == OPEN_SECONDS


def test_other_processes_see_an_opening_from_their_next_round_on(process, origin, clock):
    one, other, board = process(), process(), Board(settings.REDIS_URL)
    fail(one)
    assert other.delay() == 0
    hear(other, board, origin, clock)
    assert other.delay() == OPEN_SECONDS
    clock.now += OPEN_SECONDS + 5
    board.erase(origin)
    for each in (one, other):
        hear(each, board, origin, clock)
        assert each.delay() == 0
    board.close()


def test_a_state_read_before_an_opening_does_not_undo_it(process, origin, clock):
    one, board = process(), Board(settings.REDIS_URL)
    known, read_at = board.read([origin])[origin], clock()
    clock.now += 0.1
    fail(one)
    one.merge(known, read_at)
    assert one.delay() == OPEN_SECONDS
    board.close()


def test_without_valkey_each_process_decides_by_itself(process, origin, clock):
    with capture_logs() as lines:
        one, other, board = process(NOWHERE), process(NOWHERE), Board(NOWHERE)
        fail(one)
        assert (one.delay(), other.delay()) == (OPEN_SECONDS, 0)
        hear(one, board, origin, clock)
        assert one.delay() == OPEN_SECONDS
    # Each process tries once, and then does not use Valkey for a while.
    assert sum("Valkey is unreachable" in line["event"] for line in lines) == 2


def test_an_emptied_valkey_closes_a_circuit(process, origin, clock):
    one, board = process(), Board(settings.REDIS_URL)
    fail(one)
    with Redis.from_url(settings.REDIS_URL) as valkey:
        valkey.delete(f"connectify:push:open:{origin}")
    clock.now += 1
    hear(one, board, origin, clock)
    assert one.delay() == 0
    board.close()


def test_a_service_that_rejects_most_users_is_marked_until_it_accepts_most(process, origin, clock):
    one, board = process(), Board(settings.REDIS_URL)
    note(one, Result.REJECTED, FEW_USERS - 1, devices=DEVICES)
    assert origin not in board.rejecting()
    note(one, Result.REJECTED, 1, first=FEW_USERS)
    assert origin in board.rejecting()
    # Pushes are still sent, because some may be accepted.
    assert one.delay() == 0
    note(one, Result.ANSWERED, FEW_USERS, devices=DEVICES)
    assert origin not in board.rejecting()
    board.close()


def test_nearly_only_rejections_open_a_circuit(process):
    one = process()
    note(one, Result.ANSWERED, 10, first=1_000)
    note(one, Result.REJECTED, 89)
    assert one.seconds_open() == 0
    note(one, Result.REJECTED, 1, first=90)
    assert one.seconds_open() == OPEN_SECONDS


def test_a_rejection_is_the_subscriptions_fault_if_another_user_was_accepted_since(process, clock):
    one = process()
    rejected_at, user = clock(), 1
    one.note_acceptance(2, rejected_at - 5)
    assert not one.is_own_fault(user, rejected_at)
    one.note_acceptance(user, rejected_at + 1)
    assert not one.is_own_fault(user, rejected_at)
    one.note_acceptance(2, rejected_at + 2)
    assert one.is_own_fault(user, rejected_at)
    one.note_acceptance(user, rejected_at + 3)
    assert one.is_own_fault(user, rejected_at)


def test_if_most_users_are_rejected_it_is_no_subscriptions_fault(process, clock):
    one = process()
    one.note_acceptance(2, clock() + 2)
    note(one, Result.REJECTED, FEW_USERS)
    assert not one.is_own_fault(1, clock())


def test_acceptances_are_published_to_the_other_processes(process, origin, clock):
    one, other, board = process(), process(), Board(settings.REDIS_URL)
    one.note_acceptance(2, clock())
    board.note_acceptance(origin, one.unpublished_acceptance())
    assert one.unpublished_acceptance() is None  # not more often than once a second
    hear(other, board, origin, clock)
    assert other.is_own_fault(1, clock())
    board.close()


def test_several_services_are_read_with_one_command(origin):
    board = Board(settings.REDIS_URL)
    with Redis.from_url(settings.REDIS_URL) as valkey:
        before = valkey.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]
        others = [f"{origin}/{number}" for number in range(20)]
        assert set(board.read(others)) == set(others)
        assert valkey.info("commandstats")["cmdstat_mget"]["calls"] == before + 1
    board.close()


@pytest.mark.parametrize("value", ["1 2 3", "one 2", "v2:{}", "\xff"])
def test_a_value_of_another_version_is_ignored(origin, value):
    board = Board(settings.REDIS_URL)
    with Redis.from_url(settings.REDIS_URL) as valkey:
        for kind in ("open", "accepted"):
            valkey.set(f"connectify:push:{kind}:{origin}", value, ex=60)
    assert board.read([origin]) == {origin: SharedState()}
    assert origin not in board.openings()
    board.erase(origin)
    board.close()


def test_an_erased_mark_is_set_again_with_the_next_rejection(process, origin, clock):
    one, board = process(), Board(settings.REDIS_URL)
    note(one, Result.REJECTED, FEW_USERS)
    board.erase(origin, "rejects")
    clock.now += 1
    hear(one, board, origin, clock)
    assert origin not in board.rejecting()
    # Meanwhile the process' own window still says that most users are rejected.
    one.note_acceptance(99, clock())
    assert not one.is_own_fault(1, clock() - 1)
    note(one, Result.REJECTED, 1, first=1_000)
    assert origin in board.rejecting()
    board.close()
