"""A push service on loopback, and a device of Bob's that is registered there."""

import pytest
from django.conf import settings

from devtools.push_service import Device, running_push_service
from notifications.breaker_board import Board
from tests.notifications.people import with_device


@pytest.fixture
def service():
    """A new one for each test, whose failures nobody remembers."""
    with running_push_service() as service:
        forget_failures(service)
        yield service


def forget_failures(service) -> None:
    """Its port may be that of an earlier one, whose breaker is still open."""
    board = Board(settings.REDIS_URL)
    board.erase(service.origin)
    board.close()


@pytest.fixture
def device(bob, service, now) -> Device:
    return register(bob, service, now)


def register(user, service, now) -> Device:
    return with_device(user, now, service.origin)
