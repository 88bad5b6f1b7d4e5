"""FCM, against the push service on loopback with a generated service account."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from devtools.push_service import Device, ServiceAccount, running_push_service
from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.sending import Sender
from notifications.delivery.transports.fcm import BODY_SECONDS, _body, error_code, request_body

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
    settings.PUSH_TRANSPORTS = {"fcm": "notifications.delivery.transports.fcm.Fcm"}
    sender = Sender()
    yield sender
    sender.close()


def send(sender, *tokens: str, title: str = "alice", body: str = "Hello world!", later=timedelta()):
    now = datetime.now(UTC) + later
    message = Message(title, body, "post-1", 1, now + timedelta(hours=1))
    pushes = [Push(1, number, 1, "fcm", token, "", "") for number, token in enumerate(tokens)]
    return sender.send(pushes, {1: message}, lambda: now)


def test_a_message_is_sent_to_the_devices_token(sender, service):
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
    # Move the service's own clock forward as well.
    service.tokens.clock = lambda: (datetime.now(UTC) + timedelta(minutes=56)).timestamp()
    send(sender, "token-1", later=timedelta(minutes=56))
    assert service.tokens.requests == 2


def test_an_unregistered_token_is_gone(sender, service):
    service.answer("gone", 404)
    outcomes = send(sender, "gone", "there")
    assert [(outcome.state, outcome.gone) for outcome in outcomes] == [
        ("refused", True),
        ("sent", False),
    ]


def test_a_project_that_is_not_found_removes_no_subscription(sender, service):
    sender._transport("fcm")._url = f"{service.origin}/v1/nowhere"
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.status, outcome.gone) == ("refused", 404, False)


@pytest.mark.parametrize("status", [400])
def test_other_refusals_are_final_and_the_device_stays(sender, service, status):
    service.answer("token-1", status)
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.status, outcome.gone) == ("refused", status, False)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_temporary_failures_are_retried_when_fcm_says(sender, service, status):
    service.answer("token-1", status, retry_after=60)
    (outcome,) = send(sender, "token-1")
    assert (outcome.state, outcome.status) == ("retrying", status)
    assert outcome.due_at - outcome.at == timedelta(seconds=60)


def test_a_refused_access_token_is_replaced_and_the_push_is_retried(sender, service):
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


def test_without_an_access_token_the_push_is_retried(sender, service):
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


BROKEN = {
    "line ends as two characters": lambda key: (
        key | {"private_key": key["private_key"].replace("\n", "\\n")}
    ),
    "no PEM": lambda key: key | {"private_key": "x"},
    "a number": lambda key: key | {"private_key": 7},
    "nothing": lambda key: key | {"private_key": ""},
    "no project": lambda key: {name: key[name] for name in key if name != "project_id"},
    "a list for a project": lambda key: key | {"project_id": []},
    "a list": lambda key: [key],
    "no JSON": lambda key: "{",
    "bytes": lambda key: b"\xff\xfe",
    "no file": lambda key: None,
}


@pytest.fixture(params=BROKEN)
def broken_file(request, account, service, tmp_path, settings):
    file = tmp_path / "broken.json"
    content = BROKEN[request.param](account.key_file(service.origin))
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    settings.FCM_KEY_FILE = str(file)
    settings.FCM_ORIGIN = service.origin
    settings.PUSH_TRANSPORTS = {
        "fcm": "notifications.delivery.transports.fcm.Fcm",
        "web_push": "notifications.delivery.transports.web_push.WebPush",
    }
    return file


def test_an_unusable_key_file_fails_only_the_pushes_by_fcm(broken_file, service, account):
    sender = Sender()
    keys = Device.generate().subscription(service.origin)
    web = Push(1, 9, 1, "web_push", keys["endpoint"], **keys["keys"])
    now = datetime.now(UTC)
    message = Message("alice", "hi", "post-1", 1, now + timedelta(hours=1))
    fcm = Push(1, 1, 1, "fcm", "token-1", "", "")
    outcomes = sender.send([fcm, web, fcm], {1: message}, lambda: now)
    assert [outcome.state for outcome in outcomes] == ["retrying", "sent", "retrying"]
    # Once the file is fixed, they are sent without a restart.
    broken_file.write_text(json.dumps(account.key_file(service.origin)))
    (outcome,) = sender.send([fcm], {1: message}, lambda: now)
    assert outcome.state == "sent"
    sender.close()


def test_an_unusable_key_file_is_reported_at_the_start(broken_file):
    with pytest.raises(SystemCheckError, match=r"notifications\.E002") as caught:
        call_command("check")
    assert "BEGIN" not in str(caught.value)


@pytest.mark.parametrize(
    ("wishes", "priority", "apns", "alert", "kept"),
    [
        ({}, "HIGH", "10", True, 0),
        ({"alert": False}, "HIGH", "5", False, 0),
        ({"priority": "normal"}, "NORMAL", "5", True, 0),
        ({"collapse_keys": 1}, "HIGH", "10", True, 1),
        ({"collapse_keys": 4}, "HIGH", "10", True, 4),
        ({"collapse_keys": 400}, "HIGH", "10", True, 4),
    ],
)
def test_a_message_is_as_its_device_wishes(wishes, priority, apns, alert, kept):
    messages = [
        json.loads(
            request_body(
                "token",
                Message("alice", "hi", "tag", number, NOW + timedelta(hours=1)),
                wishes,
                now=NOW,
            )
        )["message"]
        for number in range(1, 100)
    ]
    keys = {message["android"].get("collapse_key") for message in messages} - {None}
    assert len(keys) == kept
    for message in messages:
        aps = message["apns"]["payload"]["aps"]
        assert message["android"]["priority"] == priority
        assert message["apns"]["headers"]["apns-priority"] == apns
        assert ("alert" in aps, "content-available" in aps) == (alert, not alert)
        assert ("notification" in message["android"]) is alert


def test_an_error_body_that_comes_in_parts_is_read_to_its_end():
    error = json.dumps({"error": {"details": [{"errorCode": "UNREGISTERED"}]}}).encode()

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(error))
        for part in (error[:9], error[9:30], error[30:]):
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(part)
        await reader.read()
        writer.close()

    assert asyncio.run(_read(serve)) == error


def test_a_body_that_never_ends_is_not_waited_for():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        await reader.read()
        writer.close()

    assert asyncio.run(_read(serve)) == b"hel"


async def _read(serve) -> bytes:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with (
        asyncio.timeout(2 * BODY_SECONDS),
        aiohttp.ClientSession() as http,
        http.get(url) as r,
    ):
        said = await _body(r)
    server.close()
    await asyncio.sleep(0.05)  # Let the peer notice that.
    return said


def test_deeply_nested_json_raises_no_error():
    assert error_code(b"[" * 15_000) is None
