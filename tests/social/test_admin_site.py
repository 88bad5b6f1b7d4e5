"""The admin's log-in shares its limits for failed attempts with the API's."""

import secrets

import pytest
from django.test import Client
from rest_framework.test import APIClient

from social.models import User
from tests.api import PASSWORD, log_in

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


@pytest.fixture
def name() -> str:
    """The username of an operator."""
    name = f"operator-{secrets.token_hex(4)}"
    User.objects.create_superuser(name, password=PASSWORD)
    return name


@pytest.fixture
def address() -> str:
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def log_in_to_admin(name: str, password: str, **environ):
    return Client(**environ).post(LOGIN, {"username": name, "password": password})


def allow(settings, **quotas) -> None:
    settings.THROTTLES = settings.THROTTLES | {"login": quotas}


def test_a_name_that_is_far_too_long_takes_no_time(settings):
    endless = "a" + "\u0301\u0316" * 200_000
    assert (
        log_in_to_admin(endless, "wrong").status_code == 200
    )  # Normalising it would take minutes.


def test_an_operator_logs_in(name):
    assert log_in_to_admin(name, PASSWORD).status_code == 302
    assert log_in_to_admin(name, "wrong").status_code == 200


def test_attempts_in_the_admin_and_the_api_count_together(settings, name):
    allow(settings, account=3)
    assert log_in_to_admin(name, "wrong").status_code == 200
    assert log_in_to_admin(f" {name.upper()} ", "wrong").status_code == 200
    assert log_in(APIClient(), username=name, password="wrong").status_code == 403
    refused = log_in_to_admin(name, PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused.content.decode().startswith("Too many attempts to log in. Try again in ")
    assert "sessionid" not in refused.cookies
    assert log_in(APIClient(), username=name).status_code == 429


def test_attempts_from_one_address_are_limited(settings, address):
    allow(settings, address=2)
    codes = [
        log_in_to_admin(f"nobody{n}", "wrong", REMOTE_ADDR=address).status_code for n in range(3)
    ]
    assert codes == [200, 200, 429]
    assert Client(REMOTE_ADDR=address).get(LOGIN).status_code == 200


def test_without_valkey_operators_can_log_in(settings, name):
    allow(settings, account=0, address=0)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert log_in_to_admin(name, PASSWORD).status_code == 302
