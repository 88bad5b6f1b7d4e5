"""A push service on loopback, and a device of Bob's that is registered there."""

import pytest

from notifications import subscriptions
from stack.push_service import Device, running_push_service


@pytest.fixture
def service():
    """A new one for each test, so that no breaker remembers the last one's failures."""
    with running_push_service() as service:
        yield service


@pytest.fixture
def device(bob, service, now) -> Device:
    return register(bob, service, now)


def register(user, service, now) -> Device:
    device = Device.generate()
    subscription = device.subscription(service.origin)
    subscriptions.register(
        user, endpoint=subscription["endpoint"], **subscription["keys"], name="phone", now=now
    )
    return device
