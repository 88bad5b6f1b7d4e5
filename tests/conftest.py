"""What all tests share: real servers, and a few people with stated roles."""

import os
from datetime import UTC, datetime

import pytest
from django.test import TransactionTestCase
from django.utils import timezone
from kombu import Connection

from celery_app import app
from events import topology
from events.registry import subscribers
from social import posts, relations
from social.models import User
from tests import emptying
from tests.environment import missing
from tests.scheduling import ByRoom, rank

NEEDS = {"PostgreSQL": ("db", "transactional_db"), "RabbitMQ": ("broker",)}


def pytest_xdist_make_scheduler(config, log) -> ByRoom:
    return ByRoom(config, log)


def pytest_collection_modifyitems(items) -> None:
    """Skip what needs a server that cannot be had; in CI, let it fail instead."""
    items.sort(key=lambda item: rank(item.nodeid))
    if os.environ.get("CI") == "true":
        return
    for item in items:
        for server, fixtures in NEEDS.items():
            if server in missing and any(name in item.fixturenames for name in fixtures):
                item.add_marker(pytest.mark.skip(reason=f"{server}: {missing[server]}"))
        if "PostgreSQL" in missing and item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.skip(reason=f"PostgreSQL: {missing['PostgreSQL']}"))


TransactionTestCase._fixture_teardown = emptying.empty


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    with django_db_blocker.unblock():
        emptying.remember()


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture
def broker():
    """A connection to the tests' own broker, its queues declared and empty."""
    confirms = {"confirm_publish": True}
    with Connection(
        os.environ["BROKER_URL"], connect_timeout=5, transport_options=confirms
    ) as connection:
        topology.declare(connection, app.amqp.queues.values())
        channel = connection.channel()
        names = [subscriber.queue for subscriber in subscribers.values()]
        for name in [*names, *app.amqp.queues, topology.DEAD_QUEUE_NAME]:
            channel.queue_purge(name)
        yield connection


def make_user(name: str) -> User:
    return User.objects.create(username=name, password="!")


@pytest.fixture
def alice(db) -> User:
    """Alice writes."""
    return make_user("alice")


@pytest.fixture
def bob(alice) -> User:
    """Bob follows Alice."""
    bob = make_user("bob")
    relations.follow(bob, alice, now=timezone.now())
    return bob


@pytest.fixture
def carol(db) -> User:
    """Carol follows nobody."""
    return make_user("carol")


@pytest.fixture
def post(alice, now):
    """A post of Alice's."""
    return posts.publish(alice, "Hello world!", now=now)
