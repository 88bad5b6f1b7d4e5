import time
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import jwt
import pytest

from notifications.breakers import THRESHOLD
from notifications.claims import Push
from notifications.messages import Message
from notifications.outcomes import Answer
from notifications.patience import LATER, Patience
from notifications.sending import IN_FLIGHT_A_HOST, LEFT_ALONE, Sender
from notifications.transports import Transport
from stack.push_service import Device, PushService, running_push_service
from tests.notifications.conftest import forget_failures

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


def pushes_to(service: PushService, count: int) -> list[Push]:
    subscriptions = [Device.generate().subscription(service.origin) for _ in range(count)]
    return [
        Push(1, number, 1, "web_push", each["endpoint"], **each["keys"])
        for number, each in enumerate(subscriptions)
    ]


def send(sender: Sender, pushes: list[Push], patience: Patience = LATER):
    return sender.send(pushes, {1: MESSAGE}, lambda: NOW, patience)


def test_outcomes_come_in_the_order_of_their_pushes(sender, service):
    pushes = pushes_to(service, 300)
    outcomes = send(sender, pushes)
    assert [outcome.push for outcome in outcomes] == pushes
    assert {outcome.state for outcome in outcomes} == {"sent"}


def test_a_host_that_hangs_holds_up_nobody_else(sender, service, other_service):
    service.answer("*", "hang")
    hanging, fine = pushes_to(service, 150), pushes_to(other_service, 150)
    mixed = [push for pair in zip(hanging, fine, strict=True) for push in pair]
    outcomes = send(sender, mixed, Patience(4.0, 4.0))
    assert {outcome.state for outcome in outcomes[1::2]} == {"sent"}
    assert {outcome.state for outcome in outcomes[0::2]} == {"retrying"}


def test_a_host_that_keeps_failing_is_left_alone_and_that_is_not_charged(sender, service):
    service.answer("*", 503)
    count = IN_FLIGHT_A_HOST + 100
    outcomes = send(sender, pushes_to(service, count))
    alone = [outcome for outcome in outcomes if outcome.reason == LEFT_ALONE]
    assert {outcome.retry.attempts for outcome in alone} == {0}
    tried = [outcome for outcome in outcomes if outcome.reason == "answered 503"]
    assert {outcome.retry.attempts for outcome in tried} == {1}
    # Some were on their way when the breaker opened, and no more than the host's gate lets in.
    assert THRESHOLD <= len(tried) == len(service.receipts) <= IN_FLIGHT_A_HOST + THRESHOLD
    assert len(alone) + len(tried) == count


def test_a_host_that_is_silent_is_given_less_time_and_then_left_alone(sender, service):
    service.answer("*", "hang")
    patience = Patience(0.3, 0.1)
    reasons = [send(sender, pushes_to(service, 2), patience)[1].reason for _ in range(4)]
    assert reasons == [
        "no answer within 0.3 s",
        "no answer within 0.1 s",
        "no answer within 0.1 s",
        LEFT_ALONE,
    ]


class Standstill(Transport):
    """A way to send during which the whole process stands still."""

    SECONDS = 0.6

    def origin(self, push):
        return "nowhere"

    async def send(self, http, push, message, *, now):
        time.sleep(self.SECONDS)
        return Answer(201)


def test_a_standstill_of_ones_own_is_no_silence_of_the_host(sender, service, settings):
    transport = f"{__name__}.{Standstill.__name__}"
    settings.PUSH_TRANSPORTS = settings.PUSH_TRANSPORTS | {"standstill": transport}
    pushes = [*pushes_to(service, 1), Push(1, 2, 1, "standstill", "nowhere", "", "")]
    outcomes = send(sender, pushes, Patience(0.5, 0.5))
    assert [outcome.state for outcome in outcomes] == ["sent", "sent"]


def test_a_host_that_refuses_is_not_left_alone(sender, service):
    service.answer("*", 410)
    outcomes = send(sender, pushes_to(service, THRESHOLD * 2))
    assert {outcome.state for outcome in outcomes} == {"refused"}
    assert len(service.receipts) == THRESHOLD * 2


def test_connections_are_kept_from_round_to_round(sender, service):
    pushes = pushes_to(service, 50)
    send(sender, pushes)
    opened = len(service.runner.server.connections)
    send(sender, pushes)
    assert len(service.runner.server.connections) == opened <= 50


def test_the_signature_is_made_once_for_each_origin(sender, service, other_service):
    send(sender, [*pushes_to(service, 20), *pushes_to(other_service, 20)])
    assert len(service.gate.verified) == len(other_service.gate.verified) == 1


def test_a_transport_that_was_taken_out_of_the_settings_fails_by_itself(sender, service):
    (push,) = pushes_to(service, 1)
    gone = Push(1, 2, 1, "pigeon", "rooftop", "", "")
    outcomes = send(sender, [gone, push])
    assert [outcome.state for outcome in outcomes] == ["failed", "sent"]
    assert outcomes[0].reason == "this transport is not offered any more"


class Surprising(Transport):
    """Raises, for each device, the error that it is named after."""

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
def test_whatever_one_attempt_raises_each_push_has_its_outcome(
    sender, service, settings, where, name, caplog
):
    transport = f"{__name__}.{Surprising.__name__}"
    settings.PUSH_TRANSPORTS = settings.PUSH_TRANSPORTS | {"surprising": transport}
    fine = pushes_to(service, 2)
    outcomes = send(sender, [fine[0], Push(1, 9, 1, "surprising", where + name, "", ""), fine[1]])
    assert [outcome.state for outcome in outcomes] == ["sent", "retrying", "sent"]
    assert "secret" not in outcomes[1].reason + caplog.text
    assert outcomes[1].reason.startswith(("RuntimeError", name))
