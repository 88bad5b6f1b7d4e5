"""The application server pushes to alice's device over real HTTP on loopback."""

import time

import pytest
import requests
from py_vapid import Vapid02
from pywebpush import WebPusher

from devtools.push_service import Device, decrypt_all, read_receipts, running_push_service

SERVER = Vapid02()
SERVER.generate_keys()


@pytest.fixture(scope="module")
def running():
    with running_push_service() as service:
        yield service


@pytest.fixture
def service(running):
    yield running
    running.receipts.clear()
    running.answers.chosen.clear()


@pytest.fixture
def alice():
    return Device.generate("alice")


def authorization(service) -> str:
    claims = {"aud": service.origin, "sub": "mailto:push@example.com"}
    return SERVER.sign({**claims, "exp": int(time.time()) + 3600})["Authorization"]


def push(service, device, plaintext=b"bob wrote", *, body=None, timeout=5, **changes):
    """Encrypt and post; `changes` replace headers, and None leaves one out."""
    if body is None:
        body = WebPusher(device.subscription(service.origin)).encode(plaintext)["body"]
    headers = {
        "TTL": "60",
        "Content-Encoding": "aes128gcm",
        "Authorization": authorization(service),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    url = device.subscription(service.origin)["endpoint"]
    return requests.post(url, body, headers=headers, timeout=timeout, allow_redirects=False)


def test_push_is_created_recorded_and_opens_later(service, alice):
    before = time.time()
    response = push(service, alice, Urgency="high", Topic="post-7")

    assert response.status_code == 201
    assert response.headers["Location"] == "/message/1"
    (receipt,) = service.receipts
    assert before <= receipt.wall <= time.time()
    assert receipt.monotonic <= time.monotonic()
    assert (receipt.ttl, receipt.urgency, receipt.topic) == ("60", "high", "post-7")
    assert decrypt_all(service.receipts, [alice]).opened == [(receipt, b"bob wrote")]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"TTL": None}, 400),
        ({"TTL": "soon"}, 400),
        ({"TTL": "-1"}, 400),
        ({"Urgency": "urgent"}, 400),
        ({"Topic": "a topic with blanks"}, 400),
        ({"Topic": "x" * 33}, 400),
        # No base64 has a length of 1 modulo 4, and Apple decodes it.
        ({"Topic": "post-1001"}, 400),
        ({"Topic": "x" * 29}, 400),
        ({"Content_Encoding": None}, 415),
        ({"Content_Encoding": "aesgcm"}, 415),
        ({"body": bytes(4097)}, 413),
        ({"Authorization": None}, 401),
        ({"Authorization": "vapid t=a.b.c,k=d"}, 403),
    ],
)
def test_request_against_the_protocol_is_refused_and_recorded(service, alice, changes, status):
    response = push(service, alice, **changes)

    assert response.status_code == status
    assert response.text
    assert [receipt.status for receipt in service.receipts] == [status]
    assert service.receipts.accepted == 0


def test_body_of_4096_bytes_is_accepted(service, alice):
    assert push(service, alice, body=bytes(4096)).status_code == 201


@pytest.mark.parametrize("status", [200, 202, 204, 400, 404, 410, 413, 500, 503])
def test_status_is_answered_as_told(service, alice, status):
    service.answer("alice", status)

    assert push(service, alice).status_code == status
    assert push(service, Device.generate("bob")).status_code == 201
    assert [receipt.status for receipt in service.receipts] == [status, 201]


@pytest.mark.parametrize("retry_after", [7, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_429_says_when_to_come_back(service, alice, retry_after):
    service.answer("alice", 429, retry_after=retry_after)

    response = push(service, alice)

    assert response.status_code == 429
    assert response.headers["Retry-After"] == str(retry_after)


@pytest.mark.parametrize("status", [301, 307])
def test_redirect_points_elsewhere(service, alice, status):
    service.answer("alice", status, location="http://127.0.0.1:1/elsewhere")

    response = push(service, alice)

    assert response.status_code == status
    assert response.headers["Location"] == "http://127.0.0.1:1/elsewhere"


def test_only_the_first_requests_get_the_told_answer(service, alice):
    service.answer("alice", 503, first=2)

    assert [push(service, alice).status_code for _ in range(4)] == [503, 503, 201, 201]


def test_everyone_can_be_told_an_answer_with_exceptions(service, alice):
    service.answer("*", 500)
    service.answer("alice", 410)

    assert push(service, alice).status_code == 410
    assert push(service, Device.generate()).status_code == 500


def test_slow_answer_comes_after_its_seconds(service, alice):
    service.answer("alice", "slow", seconds=0.3)
    start = time.monotonic()

    assert push(service, alice).status_code == 201
    assert time.monotonic() - start >= 0.3
    assert service.receipts[0].monotonic - start < 0.25


def test_hanging_request_is_recorded_and_never_answered(service, alice):
    service.answer("alice", "hang")

    with pytest.raises(requests.ReadTimeout):
        push(service, alice, timeout=0.3)
    assert [receipt.status for receipt in service.receipts] == [0]


@pytest.mark.parametrize("how", ["reset", "garbage"])
def test_torn_or_senseless_answer_is_a_connection_error(service, alice, how):
    service.answer("alice", how, first=1)

    with pytest.raises(requests.ConnectionError):
        push(service, alice)
    assert push(service, alice).status_code == 201
    assert [receipt.status for receipt in service.receipts] == [0, 201]


def test_answers_are_told_and_forgotten_over_http(service, alice):
    control = f"{service.origin}/control/alice"

    told = requests.put(control, json={"how": 429, "retry_after": 5}, timeout=5)
    assert told.status_code == 204
    assert push(service, alice).headers["Retry-After"] == "5"
    assert requests.delete(control, timeout=5).status_code == 204
    assert push(service, alice).status_code == 201


def test_receipts_and_their_count_are_read_over_http(service, alice):
    service.answer("bob", 410)
    for device in (alice, Device.generate("bob"), alice):
        push(service, device)

    count = requests.get(f"{service.origin}/receipts/count", timeout=5).json()
    assert count == {"requests": 3, "accepted": 2, "bearer_tokens": 0}
    everything = requests.get(f"{service.origin}/receipts", timeout=5)
    assert read_receipts(everything.iter_lines()) == list(service.receipts)
    later = requests.get(f"{service.origin}/receipts?after=2", timeout=5)
    assert read_receipts(later.iter_lines()) == [service.receipts[2]]
    assert service.receipts.of("alice") == [service.receipts[0], service.receipts[2]]


def test_a_topic_tells_how_many_devices_have_it_whatever_was_refused_or_came_again(service, alice):
    service.answer("carol", 410)
    for device in (alice, Device.generate("bob"), alice, Device.generate("carol")):
        push(service, device, Topic="post-7")
    push(service, alice, Topic="post-8")

    for topic, devices in (("post-7", 2), ("post-8", 1), ("post-9", 0)):
        told = requests.get(f"{service.origin}/topics/{topic}", timeout=5).json()
        assert told == {"devices": devices}


def test_stop_does_not_wait_for_hanging_requests(alice):
    with running_push_service() as service:
        service.answer("alice", "hang")
        with pytest.raises(requests.ReadTimeout):
            push(service, alice, timeout=0.2)
        start = time.monotonic()
    assert time.monotonic() - start < 3
