import asyncio
import ssl
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import aiohttp
import jwt
import pytest

from devtools.push_service import Device, PushService, running_push_service
from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.origin_queues import INITIAL_IN_FLIGHT, MAX_IN_FLIGHT_PER_USER
from notifications.delivery.outcomes import Answer
from notifications.delivery.response_timeouts import MIN_TIMEOUT_SECONDS, TICK_SECONDS, LoopClock
from notifications.delivery.sending import IDLE_SECONDS, POSTPONED, Sender
from notifications.delivery.transports import Transport
from notifications.delivery.windows import MIN_USERS
from tests.notifications.conftest import forget_failures
from tests.waiting import until

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
MESSAGE = Message("alice", "Hello world!", "post-1", 1, NOW + timedelta(hours=24))


@pytest.fixture
def sender():
    sender = Sender()
    yield sender
    sender.close()


@pytest.fixture
def other_service():
    with running_push_service() as service:
        forget_failures(service)
        yield service


def pushes_to(service: PushService, count: int, *, users: int | None = None) -> list[Push]:
    """One push to each of `count` devices. Each device has its own user, or they share `users`
    users."""
    subscriptions = [Device.generate().subscription(service.origin) for _ in range(count)]
    return [
        Push(1, number, 1, "web_push", each["endpoint"], **each["keys"], user_id=user_of(number))
        for number, each in enumerate(subscriptions)
        for user_of in [lambda n: n % users if users else n]
    ]


def send(sender: Sender, pushes: list[Push], late=None):
    return sender.send(pushes, {1: MESSAGE}, lambda: NOW, late)


def test_outcomes_come_in_the_order_of_their_pushes(sender, service):
    pushes = pushes_to(service, 300)
    outcomes = send(sender, pushes)
    assert [outcome.push for outcome in outcomes] == pushes
    assert {outcome.state for outcome in outcomes} == {"sent"}


def test_a_round_does_not_wait_for_slow_answers_and_their_outcomes_come_late(sender, service):
    service.answer("*", "slow", seconds=3.0)
    slow, late = pushes_to(service, 50), []
    assert send(sender, slow, late.append) == []
    until(lambda: len(service.receipts) == 50, 2)
    assert late == []
    until(lambda: len(late) == 50)
    # Each push was accepted, and none was sent again.
    assert {outcome.state for outcome in late} == {"sent"}
    assert len(service.receipts) == 50


def test_a_service_that_hangs_times_out_and_delays_no_other(sender, service, other_service):
    service.answer("*", "hang")
    late = []
    hanging, fine = pushes_to(service, 150), pushes_to(other_service, 150)
    mixed = [push for pair in zip(hanging, fine, strict=True) for push in pair]
    outcomes = send(sender, mixed, late.append)
    until(lambda: len(outcomes + late) == len(fine), MIN_TIMEOUT_SECONDS / 2)
    assert {outcome.state for outcome in outcomes + late} == {"sent"}
    late.clear()
    # A few are started in the places of the first ones that time out, and then time out as well.
    until(lambda: len(late) >= len(hanging) - MIN_USERS, 2 * MIN_TIMEOUT_SECONDS)
    reasons = Counter(outcome.reason[:9] for outcome in late)
    assert reasons["no answer"] == INITIAL_IN_FLIGHT
    # The others were not attempted, because the circuit has opened.
    assert reasons[POSTPONED[:9]] >= len(hanging) - INITIAL_IN_FLIGHT - MIN_USERS
    assert len(service.receipts) <= INITIAL_IN_FLIGHT + MIN_USERS


def test_a_failing_service_gets_no_more_pushes_and_these_count_no_attempt(sender, service):
    service.answer("*", 503)
    count = INITIAL_IN_FLIGHT + 100
    outcomes = send(sender, pushes_to(service, count))
    alone = [outcome for outcome in outcomes if outcome.reason == POSTPONED]
    assert {outcome.retry.attempts for outcome in alone} == {0}
    tried = [outcome for outcome in outcomes if outcome.reason == "answered 503"]
    assert {outcome.retry.attempts for outcome in tried} == {1}
    # Some were in flight when the circuit opened, but no more than the limit.
    assert MIN_USERS <= len(tried) == len(service.receipts) <= INITIAL_IN_FLIGHT + MIN_USERS
    assert len(alone) + len(tried) == count


@pytest.mark.parametrize("status", [429, 500, 403])
def test_two_accounts_whose_devices_fail_delay_nobody(sender, service, status):
    theirs, others = pushes_to(service, 32, users=2), pushes_to(service, 40)
    for push in theirs:
        service.answer(push.endpoint.rsplit("/", 1)[1], status)
    others = [replace(p, subscription_id=100 + n, user_id=100 + n) for n, p in enumerate(others)]
    for _ in range(5):
        outcomes = send(sender, theirs + others)
        assert [outcome.state for outcome in outcomes] == ["retrying"] * 32 + ["sent"] * 40


def test_the_requests_in_flight_of_a_user_are_limited(sender, service):
    service.answer("*", "slow", seconds=0.5)
    outcomes = send(sender, pushes_to(service, 3 * MAX_IN_FLIGHT_PER_USER, users=1))
    assert [outcome.state for outcome in outcomes] == ["sent"] * 3 * MAX_IN_FLIGHT_PER_USER
    at = [receipt.monotonic for receipt in service.receipts]
    assert at[MAX_IN_FLIGHT_PER_USER] - at[0] >= 0.5


def test_a_slow_service_gets_more_requests_in_flight_up_to_the_setting(sender, service, settings):
    settings.PUSH_IN_FLIGHT = 300
    service.answer("*", "slow", seconds=0.3)
    send(sender, pushes_to(service, 1_200))
    assert len(service.receipts) == 1_200
    opened = len(service.runner.server.connections)
    assert INITIAL_IN_FLIGHT < opened <= 300


class Standstill(Transport):
    """A transport whose sending blocks the whole process."""

    SECONDS = 4.0

    def origin(self, push):
        return "nowhere"

    async def send(self, http, push, message, *, now):
        time.sleep(self.SECONDS)
        return Answer(201)


def test_a_standstill_of_our_process_does_not_count_as_a_timeout(sender, service, settings):
    transport = f"{__name__}.{Standstill.__name__}"
    settings.PUSH_TRANSPORTS = settings.PUSH_TRANSPORTS | {"standstill": transport}
    count = int(MIN_TIMEOUT_SECONDS / Standstill.SECONDS) + 1
    still = [Push(1, n, 1, "standstill", "nowhere", "", "", user_id=n) for n in range(count)]
    service.answer("*", "slow", seconds=0.1)
    # In total the event loop stands still for longer than the timeout.
    outcomes = send(sender, [*pushes_to(service, 1), *still])
    assert {outcome.state for outcome in outcomes} == {"sent"}


def test_a_service_that_refuses_pushes_opens_no_circuit(sender, service):
    service.answer("*", 410)
    outcomes = send(sender, pushes_to(service, MIN_USERS * 2))
    assert {outcome.state for outcome in outcomes} == {"refused"}
    assert len(service.receipts) == MIN_USERS * 2


def test_connections_are_kept_from_round_to_round(sender, service):
    pushes = pushes_to(service, 50)
    send(sender, pushes)
    opened = len(service.runner.server.connections)
    send(sender, pushes)
    assert len(service.runner.server.connections) == opened <= 50


def test_the_signature_is_made_once_for_each_origin(sender, service, other_service):
    send(sender, [*pushes_to(service, 20), *pushes_to(other_service, 20)])
    assert len(service.gate.verified) == len(other_service.gate.verified) == 1


def test_a_transport_removed_from_the_settings_fails_only_its_own_pushes(sender, service):
    (push,) = pushes_to(service, 1)
    gone = Push(1, 2, 1, "pigeon", "rooftop", "", "")
    outcomes = send(sender, [gone, push])
    assert [outcome.state for outcome in outcomes] == ["failed", "sent"]
    assert outcomes[0].reason == "this transport is not offered any more"


class Surprising(Transport):
    """A transport that raises, for each device, the error that the device is named after."""

    ERRORS: ClassVar = {
        error.__name__: error
        for error in (
            *(KeyError, RuntimeError, OverflowError, RecursionError, MemoryError, AssertionError),
            *(UnicodeError, ZeroDivisionError, jwt.exceptions.InvalidKeyError, StopIteration),
        )
    }

    def origin(self, push):
        if push.endpoint.startswith("origin "):
            raise self.ERRORS[push.endpoint.removeprefix("origin ")]("https://secret.example/x")
        return "surprising"

    async def send(self, http, push, message, *, now):
        raise self.ERRORS[push.endpoint]("https://secret.example/x")


@pytest.mark.parametrize("where", ["", "origin "])
@pytest.mark.parametrize("name", Surprising.ERRORS)
def test_an_error_of_one_attempt_leaves_every_push_with_an_outcome(
    sender, service, settings, where, name, caplog
):
    transport = f"{__name__}.{Surprising.__name__}"
    settings.PUSH_TRANSPORTS = settings.PUSH_TRANSPORTS | {"surprising": transport}
    fine = pushes_to(service, 2)
    outcomes = send(sender, [fine[0], Push(1, 9, 1, "surprising", where + name, "", ""), fine[1]])
    assert [outcome.state for outcome in outcomes] == ["sent", "retrying", "sent"]
    assert "secret" not in outcomes[1].reason + caplog.text
    assert outcomes[1].reason.startswith(("RuntimeError", name))


class Untrusted(Transport):
    """A transport whose certificate is invalid, or whose attempt is cancelled."""

    ERRORS: ClassVar = {
        "ssl": lambda: ssl.SSLCertVerificationError(1, "certificate verify failed"),
        "aiohttp": lambda: aiohttp.ClientConnectorCertificateError(
            None, ValueError("it is another's")
        ),
        "cancelled": asyncio.CancelledError,
    }

    def origin(self, push):
        return f"untrusted {push.p256dh}"

    async def send(self, http, push, message, *, now):
        raise self.ERRORS[push.endpoint]()


@pytest.fixture
def untrusted(settings):
    """Creates pushes that end with one of these errors, at a new origin in each test."""
    transport = f"{__name__}.{Untrusted.__name__}"
    settings.PUSH_TRANSPORTS = settings.PUSH_TRANSPORTS | {"untrusted": transport}
    origin = str(time.time())
    return lambda error, count: [
        Push(1, n, 1, "untrusted", error, origin, "", user_id=n) for n in range(count)
    ]


@pytest.mark.parametrize("error", ["ssl", "aiohttp"])
def test_an_invalid_certificate_is_a_failure_of_the_service(sender, untrusted, error):
    assert {o.state for o in send(sender, untrusted(error, MIN_USERS))} == {"retrying"}
    (outcome,) = send(sender, untrusted(error, 1))
    assert outcome.reason == POSTPONED


def test_a_cancelled_attempt_is_retried_and_frees_its_place(sender, untrusted):
    outcomes = send(sender, untrusted("cancelled", INITIAL_IN_FLIGHT + 50))
    assert {(o.state, o.retry.attempts) for o in outcomes} == {("retrying", 0)}
    assert not any(map(len, sender._queues.values()))


def test_406_with_retry_after_is_a_failure_of_the_service(sender, service):
    service.answer("*", 406, retry_after=5)
    send(sender, pushes_to(service, MIN_USERS))
    (outcome,) = send(sender, pushes_to(service, 1))
    assert outcome.reason == POSTPONED


def test_the_queue_of_an_unused_service_is_dropped(sender, service, other_service):
    send(sender, pushes_to(service, 1))
    (queue,) = sender._queues.values()
    queue.used_at -= IDLE_SECONDS
    sender._cleaned_at -= IDLE_SECONDS
    send(sender, pushes_to(other_service, 1))
    assert list(sender._queues) == [other_service.origin]
    assert {outcome.state for outcome in send(sender, pushes_to(service, 1))} == {"sent"}


def test_an_error_in_a_tick_does_not_stop_the_clock():
    beats = []

    def beat() -> bool:
        beats.append(len(beats))
        if len(beats) == 2:
            raise RuntimeError
        return len(beats) < 4

    async def live() -> None:
        LoopClock(asyncio.get_running_loop(), beat).start()
        await asyncio.sleep(8 * TICK_SECONDS)

    asyncio.run(live())
    assert beats == [0, 1, 2, 3]
