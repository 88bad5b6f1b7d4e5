"""Mail addresses, which count once a mail to them was answered."""

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
    """Alice's; she has an address."""
    alice.email = "old@example.com"
    alice.set_password(PASSWORD)
    alice.save()
    return client_of(alice)


def want(client: APIClient, email: str = NEW, password: str = PASSWORD):
    given = {"email": email, "current_password": password}
    return client.put(EMAIL, given, format="json")


def tokens() -> list[str]:
    """Those of the mails that are due now."""
    mail.outbox.clear()
    addresses.send_due(now=timezone.now())
    links = [line for m in mail.outbox for line in m.body.splitlines() if line.startswith("http")]
    return [parse_qs(urlsplit(link).query)["token"][0] for link in links]


def confirm(token: str):
    return APIClient().post(CONFIRM, {"token": token}, format="json")


def own(client: APIClient) -> tuple[str, str | None]:
    me = client.get(ME).json()
    return me["email"], me["new_email"]


def test_an_address_counts_once_its_mail_is_answered(client):
    assert want(client).status_code == 202
    assert own(client) == ("old@example.com", NEW)
    (token,) = tokens()
    assert mail.outbox[0].to == [NEW]
    assert "alice" not in mail.outbox[0].body.replace(token, "")
    assert confirm(token).status_code == 204
    assert own(client) == (NEW, None)
    assert_problem(confirm(token), 403)


def test_the_address_of_a_registration_counts_for_no_reset_before():
    answer = register(APIClient(), email="victim@example.com").json()
    assert (answer["email"], answer["new_email"]) == ("", "victim@example.com")
    forgotten_passwords.request("victim@example.com", now=timezone.now())
    assert forgotten_passwords.send_due(now=timezone.now()) == 0
    (token,) = tokens()
    confirm(token)
    assert User.objects.get().email == "victim@example.com"


def test_an_address_is_changed_by_who_knows_the_password_only(client):
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
def test_a_token_of_nobodys_is_refused(client, token):
    want(client)
    assert confirm(token).status_code in (400, 403)


def test_an_old_token_is_refused(client, alice, monkeypatch):
    want(client)
    (token,) = tokens()
    monkeypatch.setattr(addresses, "GOOD_FOR", timedelta(0))
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
            # Another address between does not forget the first one's mail.
            addresses.request(user, f"other{number}@example.com", now=moment)
            addresses.request(
                user, ("victim@example.com", "VICTIM@example.com")[number % 2], now=moment
            )
        addresses.send_due(now=moment)
        addresses.send_due(now=moment)
        assert len([m for m in mail.outbox if m.to[0].lower() == "victim@example.com"]) == mails


def test_a_mail_that_cannot_be_sent_is_tried_again_soon_and_comes_once(alice, settings, now):
    addresses.request(alice, NEW, now=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    addresses.send_due(now=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for seconds, sent in ((1, 0), (30, 1), (60, 1)):
        addresses.send_due(now=now + timedelta(seconds=seconds))
        assert len(mail.outbox) == sent


def test_taking_an_address_back_earns_no_second_mail(client, alice, now):
    for minutes, mails in ((0, 1), (1, 1), (2, 1), (11, 2)):
        moment = now + timedelta(minutes=minutes)
        addresses.request(alice, "victim@example.com", now=moment)
        addresses.send_due(now=moment)
        assert len(mail.outbox) == mails
        addresses.remove(alice)


@pytest.mark.parametrize("way", ["password", "everywhere", "admin"])
def test_an_address_that_was_asked_for_before_the_log_ins_ended_is_confirmed_by_nobody(
    client, alice, way
):
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


def test_a_mail_that_fails_keeps_no_other_waiting_and_is_given_up_after_a_day(alice, bob, now):
    addresses.request(bob, f"bob@{'ü' * 60}.de", now=now)
    addresses.request(alice, NEW, now=now)
    addresses.send_due(now=now)
    assert [message.to for message in mail.outbox] == [[NEW]]
    addresses.send_due(now=now + timedelta(days=1, seconds=1))
    assert not NewAddress.objects.exists()
