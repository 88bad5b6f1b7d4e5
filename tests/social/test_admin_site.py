"""The admin's log-in is one with the API's to whoever tries passwords."""

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
    """An operator's."""
    name = f"operator-{secrets.token_hex(4)}"
    User.objects.create_superuser(name, password=PASSWORD)
    return name


@pytest.fixture
def address() -> str:
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def enter(name: str, password: str, **environ):
    return Client(**environ).post(LOGIN, {"username": name, "password": password})


def allow(settings, **quotas) -> None:
    settings.THROTTLES = settings.THROTTLES | {"login": quotas}


def test_a_name_that_is_none_takes_no_time(settings):
    endless = "a" + "\u0301\u0316" * 200_000
    assert enter(endless, "wrong").status_code == 200  # Folded, it would take minutes.


def test_an_operator_logs_in(name):
    assert enter(name, PASSWORD).status_code == 302
    assert enter(name, "wrong").status_code == 200


def test_an_account_is_tried_only_so_often_here_and_in_the_api_together(settings, name):
    allow(settings, account=3)
    assert enter(name, "wrong").status_code == 200
    assert enter(f" {name.upper()} ", "wrong").status_code == 200
    assert log_in(APIClient(), username=name, password="wrong").status_code == 403
    refused = enter(name, PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused.content.decode().startswith("Too many attempts to log in. Try again in ")
    assert "sessionid" not in refused.cookies
    assert log_in(APIClient(), username=name).status_code == 429


def test_an_address_tries_only_so_many_accounts(settings, address):
    allow(settings, address=2)
    codes = [enter(f"nobody{n}", "wrong", REMOTE_ADDR=address).status_code for n in range(3)]
    assert codes == [200, 200, 429]
    assert Client(REMOTE_ADDR=address).get(LOGIN).status_code == 200


def test_without_valkey_operators_get_in(settings, name):
    allow(settings, account=0, address=0)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert enter(name, PASSWORD).status_code == 302
