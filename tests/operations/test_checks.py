"""Our own checks in `check --deploy`."""

import pytest
from django.core.checks import run_checks

from celery_app import app


def refused() -> set[str]:
    found = run_checks(include_deployment_checks=True)
    return {message.id for message in found if message.id.startswith("operations.")}


@pytest.fixture(autouse=True)
def mails(settings):
    settings.PASSWORD_RESET_URL = "https://example.com/reset-password"
    settings.EMAIL_CONFIRM_URL = "https://example.com/confirm-email"
    settings.DEFAULT_FROM_EMAIL = "connectify@example.com"


def test_random_passwords_are_accepted():
    assert refused() == set()


@pytest.mark.parametrize("password", ["CHANGE", "changeme", "guest", "Password"])
def test_a_default_password_is_refused(settings, password):
    settings.SECRET_KEY = password
    assert refused() == {"operations.E001"}


def test_a_default_password_in_an_url_is_refused(settings):
    settings.BROKER_URL = "amqp://connectify:CHANGE@rabbitmq:5672//"
    assert refused() == {"operations.E001"}


def test_guest_at_the_broker_is_refused(settings):
    settings.BROKER_URL = "amqp://guest:5f1c@rabbitmq:5672//"
    assert refused() == {"operations.E002"}


def test_flower_without_a_login_is_refused(settings):
    settings.FLOWER_BASIC_AUTH = ""
    assert refused() == {"operations.E003"}


def test_a_broker_without_confirms_is_refused():
    before = app.conf.broker_transport_options
    app.conf.broker_transport_options = {}
    try:
        assert refused() == {"operations.E004"}
    finally:
        app.conf.broker_transport_options = before


def test_a_lane_without_dead_lettering_is_refused():
    queue = app.amqp.queues["events.low"]
    before = queue.queue_arguments
    queue.queue_arguments = {}
    try:
        assert refused() == {"operations.E005"}
    finally:
        queue.queue_arguments = before


@pytest.mark.parametrize("name", ["PASSWORD_RESET_URL", "EMAIL_CONFIRM_URL"])
@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "https://localhost/", "example.com", "mailto:a@example.com"),
        *("https://127.0.0.1/", "https://[::1]/", "https://app.invalid/", "https://app.local/"),
    ],
)
def test_a_link_in_mails_that_leads_nowhere_is_refused(settings, name, url):
    setattr(settings, name, url)
    assert refused() == {"operations.E006"}


def test_mails_without_a_sender_are_refused(settings):
    settings.DEFAULT_FROM_EMAIL = "connectify@localhost"
    assert refused() == {"operations.E007"}
