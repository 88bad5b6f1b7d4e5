"""The users at RabbitMQ: each may do what it needs, on the tests' own virtual host."""

import os
import secrets
from urllib.parse import urlsplit, urlunsplit

import amqp.exceptions
import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError
from kombu import Connection

from celery_app import app
from devtools.servers.management import ManagementApi
from events import topology
from operations import management_api
from tests.environment import available
from tests.waiting import until

USER, WATCHER = "tests-work", "tests-watch"


def as_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))


@pytest.fixture
def users(settings, broker):
    """The URLs of both, after the command has made them."""
    if "BROKER_MANAGEMENT_URL" not in available:
        pytest.skip("needs an administrator of the broker")
    administrator = available["BROKER_MANAGEMENT_URL"]
    settings.BROKER_MANAGEMENT_URL = administrator
    settings.BROKER_URL = as_user(os.environ["BROKER_URL"], USER, secrets.token_hex(8))
    watcher = as_user(administrator, WATCHER, secrets.token_hex(8))
    settings.FLOWER_BROKER_API = f"{watcher}/api/"
    call_command("create_broker_users")
    amqp_watcher = as_user(settings.BROKER_URL, WATCHER, urlsplit(watcher).password)
    yield {"work": settings.BROKER_URL, "watch": amqp_watcher, "api": watcher}
    for name in (USER, WATCHER):
        ManagementApi(administrator).call("DELETE", "users", name)


def test_the_processes_user_declares_publishes_and_reads(users):
    with Connection(users["work"], connect_timeout=5) as connection:
        topology.declare(connection, app.amqp.queues.values())
        channel = connection.default_channel
        channel.basic_publish(amqp.Message("x"), exchange="", routing_key="events.low")
        message = until(lambda: channel.basic_get("events.low", no_ack=True))
        assert message.body == b"x"


def test_the_processes_user_administers_nothing(users):
    host = urlsplit(users["api"]).netloc.rpartition("@")[2]
    with pytest.raises(requests.HTTPError, match="401"):
        ManagementApi(as_user(f"http://{host}", USER, urlsplit(users["work"]).password)).get(
            "users"
        )


def test_the_watcher_sees_the_queues_and_no_users(users):
    names = {each["name"] for each in management_api.ask(users["api"], users["watch"], "queues")}
    assert {"events.low", "timeline.worker"} <= names
    with pytest.raises(requests.HTTPError, match="401"):
        ManagementApi(users["api"]).get("users")


def publish(channel) -> None:
    """Then ask something harmless: the broker answers a message only where it refuses it."""
    message = amqp.Message("x")
    channel.basic_publish(message, exchange="connectify.lanes", routing_key="events.low")
    channel.queue_declare("celeryev.x", passive=True)


REFUSED = {
    "publish a task": publish,
    "publish to a queue": lambda channel: channel.basic_publish_confirm(
        amqp.Message("x"), exchange="", routing_key="events.low"
    ),
    "read a task": lambda channel: channel.basic_get("events.low"),
    "consume events": lambda channel: channel.basic_consume("timeline.worker"),
    "empty a queue": lambda channel: channel.queue_purge("dead.letters"),
    "delete a queue": lambda channel: channel.queue_delete("timeline.worker"),
    "declare a queue": lambda channel: channel.queue_declare("mine"),
    "receive posts": lambda channel: channel.queue_bind("celeryev.x", "posts.fanout"),
}


@pytest.mark.parametrize("act", REFUSED.values(), ids=REFUSED)
def test_the_watcher_touches_no_message(users, act):
    with Connection(users["watch"], connect_timeout=5) as connection:
        channel = connection.default_channel
        channel.queue_declare("celeryev.x", auto_delete=True)
        with pytest.raises(amqp.exceptions.AccessRefused):
            act(channel)


def test_repeating_it_changes_the_passwords(users, settings):
    settings.BROKER_URL = as_user(users["work"], USER, "another")
    call_command("create_broker_users")
    with Connection(settings.BROKER_URL, connect_timeout=5) as connection:
        connection.connect()
    with (
        Connection(users["work"], connect_timeout=5) as connection,
        pytest.raises(amqp.exceptions.AccessRefused),
    ):
        connection.connect()


def test_an_administrator_keeps_its_own_rights(users, settings):
    settings.BROKER_URL = os.environ["BROKER_URL"]
    call_command("create_broker_users")
    name = urlsplit(settings.BROKER_MANAGEMENT_URL).username
    user = ManagementApi(settings.BROKER_MANAGEMENT_URL).get("users", name)
    assert "administrator" in user["tags"]


def test_without_an_address_it_says_which_one(settings):
    settings.BROKER_MANAGEMENT_URL = ""
    settings.FLOWER_BROKER_API = "http://monitoring:x@127.0.0.1:1/api/"
    with pytest.raises(CommandError, match="BROKER_MANAGEMENT_URL is not set"):
        call_command("create_broker_users")
