"""Fixtures: a push service on loopback, and a device of Bob's that is registered there."""

import pytest
from django.conf import settings

from devtools.push_service import Device, running_push_service
from notifications.delivery.breaker_board import Board
from tests.notifications.people import with_device


@pytest.fixture
def service():
    """A new push service for each test, with no remembered failures."""
    with running_push_service() as service:
        forget_failures(service)
        yield service


def forget_failures(service) -> None:
    """Close the service's circuit. An earlier service may have used the same port, and its circuit
    may still be open."""
    board = Board(settings.REDIS_URL)
    board.erase(service.origin)
    board.close()


@pytest.fixture
def device(bob, service, now) -> Device:
    return register(bob, service, now)


def register(user, service, now) -> Device:
    return with_device(user, now, service.origin)
