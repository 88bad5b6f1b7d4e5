"""How the service is as a whole."""

import time
from collections import Counter
from itertools import cycle

import pytest
import requests
from py_vapid import Vapid02
from pywebpush import WebPusher

from devtools.push_service import Device, running_push_service
from devtools.push_service.conditions import Conditions

SERVER = Vapid02()
SERVER.generate_keys()


@pytest.fixture(scope="module")
def service():
    with running_push_service() as running:
        yield running


def push(service, *, subject: str = "mailto:push@example.com", ttl: str = "60") -> int:
    """The status that a push is answered with."""
    device = Device.generate()
    claims = {"aud": service.origin, "exp": int(time.time()) + 3600}
    claims |= {"sub": subject} if subject else {}
    headers = {
        "TTL": ttl,
        "Content-Encoding": "aes128gcm",
        "Authorization": SERVER.sign(claims)["Authorization"],
    }
    body = WebPusher(device.subscription(service.origin)).encode(b"hi")["body"]
    endpoint = device.subscription(service.origin)["endpoint"]
    return requests.post(endpoint, body, headers=headers, timeout=10).status_code


def tell(service, **conditions) -> int:
    url = f"{service.origin}/conditions"
    return requests.put(url, json=conditions, timeout=10).status_code


def test_answers_take_as_long_as_told_and_some_take_longer():
    draws = cycle([0.5, 0.0, 0.5, 1.0, 0.001])
    conditions = Conditions(0.15, 0.05, tail=0.01, tail_seconds=2.0, draw=lambda: next(draws))
    taken = [conditions.latency() for _ in range(3)]
    assert taken == pytest.approx([0.1, 0.2, 2.0])


def test_shares_of_the_requests_are_throttled_or_gone():
    draws = cycle([0.001, 0.004, 0.006, 0.009, 0.011, 0.5])
    conditions = Conditions(throttled=0.005, gone=0.005, draw=lambda: next(draws))
    assert [conditions.status() for _ in range(6)] == [429, 429, 410, 410, None, None]


def test_it_answers_under_the_conditions_that_it_was_told(service):
    assert tell(service, seconds=0.2, gone=1.0) == 204
    began = time.monotonic()
    assert push(service) == 410
    assert time.monotonic() - began >= 0.2
    assert tell(service) == 204
    assert Counter(push(service) for _ in range(3)) == {201: 3}


@pytest.mark.parametrize(
    "conditions", [{"gone": 2}, {"tail": -1}, {"spread": 1}, {"gone": 0.6, "throttled": 0.6}]
)
def test_impossible_conditions_are_refused(service, conditions):
    assert tell(service, **conditions) == 400


@pytest.mark.parametrize("subject", ["mailto:push@localhost", "mailto:push@x.invalid"])
def test_a_subject_that_apple_refuses_is_refused(service, subject):
    assert push(service, subject=subject) == 403


def test_a_ttl_beyond_four_weeks_is_refused(service):
    assert push(service, ttl=str(28 * 24 * 3600)) == 201
    assert push(service, ttl=str(28 * 24 * 3600 + 1)) == 400
