from datetime import timedelta
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from social import forgotten_passwords
from social.forgotten_passwords import ACCOUNTS
from social.mails import BATCH, RETRY_DELAY
from social.models import ForgottenPassword, User
from tests.api import PASSWORD, assert_problem, log_in, register, register_with_address

pytestmark = pytest.mark.django_db
CHANGE = "/api/v1/accounts/password/"
FORGOTTEN = "/api/v1/accounts/password/forgotten/"
RESET = "/api/v1/accounts/password/reset/"
NEW = "a quite different sentence"


@pytest.fixture
def dora():
    """The client of Dora, whose phone is logged in."""
    register_with_address(APIClient())
    client = APIClient()
    token = log_in(client).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def ask(email: str):
    return APIClient().post(FORGOTTEN, {"email": email}, format="json")


def mailed() -> dict:
    """The parameters of the link in the only mail."""
    forgotten_passwords.send_due(now=timezone.now())
    (message,) = mail.outbox
    (link,) = links_in(message)
    return link


def links_in(message) -> list[dict]:
    urls = [line for line in message.body.splitlines() if line.startswith("http")]
    queries = [parse_qs(urlsplit(url).query) for url in urls]
    return [{"user_id": int(q["user_id"][0]), "token": q["token"][0]} for q in queries]


def names_in(message) -> list[str]:
    lines = message.body.splitlines()
    follows = pairwise(lines)
    return [line.removesuffix(":") for line, following in follows if following.startswith("http")]


def reset(**values):
    return APIClient().post(RESET, values, format="json")


def test_a_changed_password_leaves_only_this_device_logged_in(dora):
    other = APIClient()
    token = log_in(other, device="laptop").json()["token"]
    other.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    change = {"current_password": PASSWORD, "password": NEW}
    assert dora.post(CHANGE, change, format="json").status_code == 204
    assert dora.get("/api/v1/accounts/me/").status_code == 200
    assert_problem(other.get("/api/v1/accounts/me/"), 401)
    assert_problem(log_in(APIClient()), 403)
    assert log_in(APIClient(), password=NEW).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current_password": "wrong", "password": NEW}, None),
        ({"current_password": PASSWORD, "password": "12345678"}, "password"),
        ({"current_password": PASSWORD, "password": "dora@example.com"}, "password"),
        ({"password": NEW}, "current_password"),
    ],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_bad_one(dora, change, field):
    assert_problem(dora.post(CHANGE, change, format="json"), 400 if field else 403, field)
    assert log_in(APIClient()).status_code == 200


def test_a_forgotten_password_is_reset_by_mail_once(dora):
    assert ask("DORA@example.com").status_code == 202
    link = mailed()
    assert reset(**link, password=NEW).status_code == 204
    assert log_in(APIClient(), password=NEW).status_code == 200
    assert_problem(dora.get("/api/v1/accounts/me/"), 401)
    assert_problem(reset(**link, password="yet another sentence"), 403)


def test_an_old_link_is_refused(dora, settings):
    ask("dora@example.com")
    link = mailed()
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert_problem(reset(**link, password=NEW), 403)


def test_a_link_of_one_account_works_for_no_other(dora, alice):
    ask("dora@example.com")
    link = mailed() | {"user_id": alice.pk}
    assert_problem(reset(**link, password=NEW), 403)
    assert_problem(reset(user_id=999, token=link["token"], password=NEW), 403)


@pytest.mark.parametrize("bad", ["password", "dora@example.com"])
def test_a_link_does_not_allow_a_bad_password_and_stays_valid(dora, bad):
    ask("dora@example.com")
    link = mailed()
    assert_problem(reset(**link, password=bad), 400, "password")
    assert reset(**link, password=NEW).status_code == 204


def test_all_accounts_of_an_address_are_in_one_mail(dora):
    register_with_address(APIClient(), username="work", email="Dora@Example.com")
    User.objects.create(username="open", email="dora@example.com", password="!")
    User.objects.create(username="shut", email="dora@example.com", password="x", is_active=False)
    # This address is the same in upper case, but may belong to another person.
    User.objects.create(username="other", email="dora@example\u0131.com", password="x")
    register_with_address(APIClient(), username="another", email="dora@examplei.com")
    ask("dora@example.com")
    ask("dora@examplei.com")
    assert forgotten_passwords.send_due(now=timezone.now()) == 2
    first, second = mail.outbox
    assert (first.to, second.to) == (["dora@example.com"], ["dora@examplei.com"])
    assert names_in(first) == ["dora", "work"]
    assert names_in(second) == ["another"]
    # Each link works for its own account.
    for link in links_in(first):
        assert reset(**link, password=NEW).status_code == 204
    for name in ("dora", "work"):
        assert log_in(APIClient(), username=name, password=NEW).status_code == 200


def test_a_mail_has_the_links_of_a_few_accounts_only(dora):
    for number in range(ACCOUNTS):
        User.objects.create(username=f"spam{number}", email="dora@example.com", password="x")
    ask("dora@example.com")
    assert forgotten_passwords.send_due(now=timezone.now()) == 1
    assert names_in(mail.outbox[0]) == ["dora", *(f"spam{n}" for n in range(ACCOUNTS - 1))]


def test_names_in_a_mail_cannot_be_taken_for_links(dora):
    User.objects.create(username="www.evil.example", email="dora@example.com", password="x")
    User.objects.create(username="a@evil.example", email="dora@example.com", password="x")
    ask("dora@example.com")
    forgotten_passwords.send_due(now=timezone.now())
    assert names_in(mail.outbox[0])[1:] == ["www[.]evil[.]example", "a[@]evil[.]example"]


def test_an_address_without_an_account_gets_the_same_answer_and_no_mail(
    dora, django_assert_num_queries
):
    answers = []
    for address in ("dora@example.com", "nobody@example.com"):
        with django_assert_num_queries(1):
            answers.append(ask(address))
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}
    mailed()


def test_an_address_gets_one_mail_in_ten_minutes(dora, now):
    for minutes, mails in ((0, 1), (9, 1), (11, 2)):
        moment = now + timedelta(minutes=minutes)
        forgotten_passwords.request("dora@example.com", now=moment)
        forgotten_passwords.send_due(now=moment)
        assert len(mail.outbox) == mails


def test_a_mail_that_cannot_be_sent_is_retried_and_sent_once(dora, settings, now):
    register_with_address(APIClient(), username="work")
    forgotten_passwords.request("dora@example.com", now=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert forgotten_passwords.send_due(now=now) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert forgotten_passwords.send_due(now=now) == 0
    later = now + RETRY_DELAY
    assert forgotten_passwords.send_due(now=later) == 1
    assert forgotten_passwords.send_due(now=later + RETRY_DELAY) == 0
    (message,) = mail.outbox
    assert names_in(message) == ["dora", "work"]
    forgotten_passwords.send_due(now=now + timedelta(hours=2))
    assert not ForgottenPassword.objects.exists()


def test_an_address_that_cannot_be_written_in_a_mail_is_refused():
    for domain in ("ü" * 60 + ".de", "ü" * 58 + ".example", "a" * 64 + ".de"):
        response = register(APIClient(), username="eve", email=f"eve@{domain}")
        assert_problem(response, 400, "email")
    assert register(APIClient(), username="eve", email="eve@bücher.example").status_code == 201
    assert register(APIClient(), username="ann", email="").status_code == 201


def test_old_addresses_that_cannot_be_written_hold_up_no_other_mail(dora, now):
    impossible = f"eve@{'ü' * 60}.de"
    User.objects.create(username="eve", email=impossible, password="argon2")
    for number in range(BATCH):
        User.objects.create(username=f"eve{number}", email=f"{number}{impossible}", password="x")
        forgotten_passwords.request(f"{number}{impossible}", now=now)
    moment = now + timedelta(seconds=1)
    forgotten_passwords.request("dora@example.com", now=moment)
    # In the first round all mails fail. They are retried after the others.
    assert forgotten_passwords.send_due(now=moment) == 0
    assert forgotten_passwords.send_due(now=moment) == 1
    assert forgotten_passwords.send_due(now=now + timedelta(hours=2)) == 0
    assert not ForgottenPassword.objects.exists()
