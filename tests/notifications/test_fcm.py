"""FCM, against the loopback push service with the keys of a service account of its own."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from notifications.claims import Push
from notifications.messages import Message
from notifications.sending import Sender
from stack.push_service import ServiceAccount, running_push_service

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def account() -> ServiceAccount:
    return ServiceAccount.generate()


@pytest.fixture
def service(account):
    with running_push_service(fcm_key=account.public_key) as service:
        yield service


@pytest.fixture
def sender(account, service, settings, tmp_path):
    key_file = tmp_path / "key.json"
    key_file.write_text(json.dumps(account.key_file(service.origin)))
    settings.FCM_KEY_FILE = str(key_file)
    settings.FCM_ORIGIN = service.origin
    settings.PUSH_TRANSPORTS = {"fcm": "notifications.transports.fcm.Fcm"}
    sender = Sender()
    yield sender
    sender.close()


def send(sender, *tokens: str, title: str = "alice", body: str = "Hello world!", later=timedelta()):
    now = datetime.now(UTC) + later
    message = Message(title, body, "post-1", 1, now + timedelta(hours=1))
    pushes = [Push(1, number, 1, "fcm", token, "", "") for number, token in enumerate(tokens)]
    return sender.send(pushes, {1: message}, lambda: now)


def test_a_device_is_told_by_its_token(sender, service):
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.status) == ("sent", 200)
    (receipt,) = service.receipts.of("token-1")
    message = json.loads(receipt.body)["message"]
    assert message["data"] == {
        "title": "alice",
        "body": "Hello world!",
        "tag": "post-1",
        "post_id": "1",
    }
    shown = {"title": "alice", "body": "Hello world!"}
    assert message["android"] == {
        "ttl": "3600s",
        "priority": "HIGH",
        "notification": shown | {"tag": "post-1"},
    }
    assert message["webpush"]["headers"]["Topic"] == "post-1"
    # Without an alert an iPhone shows nothing while the app sleeps.
    aps = message["apns"]["payload"]["aps"]
    assert (aps["alert"], aps["mutable-content"]) == (shown, 1)
    assert message["apns"]["headers"]["apns-priority"] == "10"
    assert message["apns"]["headers"]["apns-push-type"] == "alert"
    assert message["apns"]["headers"]["apns-collapse-id"] == "post-1"


def test_one_access_token_serves_many_pushes_until_it_nears_its_end(sender, service):
    send(sender, *(f"token-{number}" for number in range(50)))
    send(sender, "token-1")
    assert service.tokens.requests == 1
    # The service lives by its own clock, which is 56 minutes behind.
    service.tokens.clock = lambda: (datetime.now(UTC) + timedelta(minutes=56)).timestamp()
    send(sender, "token-1", later=timedelta(minutes=56))
    assert service.tokens.requests == 2


def test_a_token_that_is_no_longer_registered_is_gone(sender, service):
    service.answer("gone", 404)
    outcomes = send(sender, "gone", "there")
    assert [(outcome.state, outcome.gone) for outcome in outcomes] == [
        ("refused", True),
        ("sent", False),
    ]


def test_a_project_that_is_not_found_costs_nobody_a_subscription(sender, service):
    sender._transport("fcm")._url = f"{service.origin}/v1/nowhere"
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.status, outcome.gone) == ("refused", 404, False)


@pytest.mark.parametrize("status", [400, 403])
def test_other_refusals_are_final_and_the_device_stays(sender, service, status):
    service.answer("token-1", status)
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.status, outcome.gone) == ("refused", status, False)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failures_are_tried_again_when_fcm_says(sender, service, status):
    service.answer("token-1", status, retry_after=60)
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.status) == ("retrying", status)
    assert outcome.due_at - outcome.at == timedelta(seconds=60)


def test_an_access_token_that_is_refused_is_replaced_and_the_push_tried_again(sender, service):
    send(sender, "token-1")
    service.tokens.expiries.clear()
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.reason) == (
        "retrying",
        "the access token was refused",
    )
    (outcome,) = send(sender, "token-1")
    assert outcome.state == "sent"
    assert service.tokens.requests == 2


def test_without_an_access_token_nothing_is_given_up(sender, service):
    service.answer("oauth", 500)
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.reason) == (
        "retrying",
        "no access token: answered 500",
    )
    assert len(service.receipts) == 0


def test_the_longest_message_fits(sender, service):
    send(sender, "t" * 200, title="👩" * 150, body="\x01" * 300)
    (receipt,) = service.receipts
    assert len(receipt.body) <= 4_096
