"""Mail addresses, which an account gets once they are confirmed."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from social import addresses, forgotten_passwords
from social.models import NewAddress, User
from tests.api import PASSWORD, assert_problem, client_of, register

pytestmark = pytest.mark.django_db
EMAIL = "/api/v1/accounts/email/"
CONFIRM = "/api/v1/accounts/email/confirm/"
ME = "/api/v1/accounts/me/"
NEW = "alice@example.com"


@pytest.fixture
def client(alice) -> APIClient:
    """The client of Alice, who has an address."""
    alice.email = "old@example.com"
    alice.set_password(PASSWORD)
    alice.save()
    return client_of(alice)


def want(client: APIClient, email: str = NEW, password: str = PASSWORD):
    given = {"email": email, "current_password": password}
    return client.put(EMAIL, given, format="json")


def tokens() -> list[str]:
    """The tokens in the mails that are due now."""
    mail.outbox.clear()
    addresses.send_due(now=timezone.now())
    links = [line for m in mail.outbox for line in m.body.splitlines() if line.startswith("http")]
    return [parse_qs(urlsplit(link).query)["token"][0] for link in links]


def confirm(token: str):
    return APIClient().post(CONFIRM, {"token": token}, format="json")


def own(client: APIClient) -> tuple[str, str | None]:
    me = client.get(ME).json()
    return me["email"], me["new_email"]


def test_an_address_is_used_once_it_is_confirmed(client):
    assert want(client).status_code == 202
    assert own(client) == ("old@example.com", NEW)
    (token,) = tokens()
    assert mail.outbox[0].to == [NEW]
    assert "alice" not in mail.outbox[0].body.replace(token, "")
    assert confirm(token).status_code == 204
    assert own(client) == (NEW, None)
    assert_problem(confirm(token), 403)


def test_an_unconfirmed_address_of_a_registration_gets_no_reset_mail():
    answer = register(APIClient(), email="victim@example.com").json()
    assert (answer["email"], answer["new_email"]) == ("", "victim@example.com")
    forgotten_passwords.request("victim@example.com", now=timezone.now())
    assert forgotten_passwords.send_due(now=timezone.now()) == 0
    (token,) = tokens()
    confirm(token)
    assert User.objects.get().email == "victim@example.com"


def test_changing_an_address_needs_the_password(client):
    assert_problem(want(client, password="wrong"), 403)
    assert_problem(want(client, "no address"), 400, "email")
    assert not NewAddress.objects.exists()


def test_an_address_is_removed_at_once(client):
    want(client)
    (token,) = tokens()
    assert want(client, "").status_code == 204
    assert own(client) == ("", None)
    assert_problem(confirm(token), 403)


@pytest.mark.parametrize("token", ["x", "WzEsImEiXQ:1:1", "\x00", "a:b:c"])
def test_a_forged_token_is_refused(client, token):
    want(client)
    assert confirm(token).status_code in (400, 403)


def test_an_old_token_is_refused(client, alice, monkeypatch):
    want(client)
    (token,) = tokens()
    monkeypatch.setattr(addresses, "VALID_FOR", timedelta(0))
    assert_problem(confirm(token), 403)


def test_the_token_of_a_closed_account_is_refused(client):
    want(client)
    (token,) = tokens()
    client.post("/api/v1/accounts/close/", {"current_password": PASSWORD}, format="json")
    assert not NewAddress.objects.exists()
    assert_problem(confirm(token), 403)


def test_an_address_gets_one_mail_in_ten_minutes_however_many_accounts_are_given_it(now):
    people = [User.objects.create(username=f"eve{number}") for number in range(3)]
    for minutes, mails in ((0, 1), (9, 1), (11, 2), (22, 3)):
        moment = now + timedelta(minutes=minutes)
        for number, user in enumerate(people):
            # A request for another address in between does not reset the limit.
            addresses.request(user, f"other{number}@example.com", now=moment)
            addresses.request(
                user, ("victim@example.com", "VICTIM@example.com")[number % 2], now=moment
            )
        addresses.send_due(now=moment)
        addresses.send_due(now=moment)
        assert len([m for m in mail.outbox if m.to[0].lower() == "victim@example.com"]) == mails


def test_a_mail_that_cannot_be_sent_is_retried_soon_and_sent_once(alice, settings, now):
    addresses.request(alice, NEW, now=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    addresses.send_due(now=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for seconds, sent in ((1, 0), (30, 1), (60, 1)):
        addresses.send_due(now=now + timedelta(seconds=seconds))
        assert len(mail.outbox) == sent


def test_removing_an_address_allows_no_second_mail(client, alice, now):
    for minutes, mails in ((0, 1), (1, 1), (2, 1), (11, 2)):
        moment = now + timedelta(minutes=minutes)
        addresses.request(alice, "victim@example.com", now=moment)
        addresses.send_due(now=moment)
        assert len(mail.outbox) == mails
        addresses.remove(alice)


@pytest.mark.parametrize("way", ["password", "everywhere", "admin"])
def test_an_address_requested_before_the_log_ins_ended_cannot_be_confirmed(client, alice, way):
    want(client)
    (token,) = tokens()
    if way == "password":
        change = {"current_password": PASSWORD, "password": "a quite different sentence"}
        assert client.post("/api/v1/accounts/password/", change, format="json").status_code == 204
    elif way == "everywhere":
        assert client.delete("/api/v1/accounts/tokens/").status_code == 204
    else:
        alice.set_password("a quite different sentence")
        alice.save()
    assert_problem(confirm(token), 403)
    assert User.objects.get(pk=alice.pk).email == "old@example.com"


def test_a_mail_that_fails_delays_no_other_and_is_given_up_after_a_day(alice, bob, now):
    addresses.request(bob, f"bob@{'ü' * 60}.de", now=now)
    addresses.request(alice, NEW, now=now)
    addresses.send_due(now=now)
    assert [message.to for message in mail.outbox] == [[NEW]]
    addresses.send_due(now=now + timedelta(days=1, seconds=1))
    assert not NewAddress.objects.exists()
