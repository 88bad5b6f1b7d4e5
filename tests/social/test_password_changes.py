"""After a password change the old password and other log-ins are refused, whichever way it was
changed and whatever runs at the same moment."""

import io
import threading

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from social import accounts
from social.models import Token, User
from tests.api import PASSWORD, assert_problem, log_in, register
from tests.waiting import awaited_locks, until

pytestmark = pytest.mark.django_db
NEW = "a quite different sentence"


@pytest.fixture
def dora() -> User:
    """An account whose phone is logged in."""
    register(APIClient())
    log_in(APIClient())
    return User.objects.get(username="dora")


def while_the_password_changes(dora: User, request):
    """The answer to a request that arrives before the change of the password commits."""
    answers = []

    def ask() -> None:
        answers.append(request())
        connection.close()

    asking = threading.Thread(target=ask)
    with transaction.atomic():
        accounts.change_password(dora, NEW)
        asking.start()
        until(lambda: awaited_locks() or not asking.is_alive())
    asking.join(20)
    return answers[0]


@pytest.mark.django_db(transaction=True)
def test_a_log_in_during_a_password_change_creates_no_token(dora):
    assert_problem(while_the_password_changes(dora, lambda: log_in(APIClient())), 403)
    assert not Token.objects.exists()
    assert log_in(APIClient(), password=NEW).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_password_change_during_another_one_is_refused(dora):
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {log_in(APIClient()).json()['token']}")
    change = {"current_password": PASSWORD, "password": "the sentence of a thief"}

    def steal():
        return client.post("/api/v1/accounts/password/", change, format="json")

    assert_problem(while_the_password_changes(dora, steal), 403)
    assert log_in(APIClient(), password=NEW).status_code == 200


def test_a_password_set_in_the_admin_ends_all_tokens(dora, admin_client):
    url = reverse("admin:auth_user_password_change", args=[dora.pk])
    given = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert admin_client.post(url, given).status_code == 302
    assert not Token.objects.exists()
    assert log_in(APIClient(), password=NEW).status_code == 200


def test_a_password_disabled_in_the_admin_ends_all_tokens(dora, admin_client):
    url = reverse("admin:auth_user_password_change", args=[dora.pk])
    answer = admin_client.post(url, {"usable_password": "false", "unset-password": "1"})
    assert answer.status_code == 302
    assert not User.objects.get(pk=dora.pk).has_usable_password()
    assert not Token.objects.exists()


def test_an_operators_own_password_changed_in_the_admin_ends_all_tokens(dora):
    User.objects.update(is_staff=True)
    client = Client()
    client.login(username="dora", password=PASSWORD)
    given = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post(reverse("admin:password_change"), given).status_code == 302
    assert not Token.objects.exists()


def test_a_password_changed_on_the_command_line_ends_all_tokens(dora, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", "dora", stdout=io.StringIO())
    assert not Token.objects.exists()


def test_saving_a_user_or_renewing_the_hash_keeps_the_tokens(dora, settings):
    dora.first_name = "Dora"
    dora.save()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert log_in(APIClient(), device="laptop").status_code == 200
    assert User.objects.get().password.startswith("pbkdf2")
    assert Token.objects.count() == 2
