"""A device is removed with the log-in that registered it, and with no other."""

import threading
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from devtools.push_service import Device
from notifications import logins, subscriptions
from notifications.models import PushSubscription
from operations.tasks import prune
from social import forgotten_passwords
from social.models import Token, User
from tests.api import PASSWORD, assert_problem, log_in, register
from tests.notifications.people import with_device
from tests.waiting import awaited_locks, until

pytestmark = pytest.mark.django_db
SUBSCRIPTIONS = "/api/v1/push/subscriptions/"
TOKENS = "/api/v1/accounts/tokens/"
MOZILLA = "https://updates.push.services.mozilla.com"
NEW = "a quite different sentence"


def logged_in(name: str) -> APIClient:
    """A client on which Dora has logged in and registered a device of this name."""
    client = APIClient()
    token = log_in(client, device=name).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert subscribe(client, name).status_code == 201
    return client


def subscribe(client: APIClient, name: str, **changes):
    body = Device.generate().subscription(MOZILLA) | {"name": name} | changes
    return client.post(SUBSCRIPTIONS, body, format="json")


def devices() -> set[str]:
    return {f"{device.name} of {device.user}" for device in PushSubscription.objects.all()}


@pytest.fixture
def dora(alice) -> User:
    """Dora. She and Alice each have a device whose log-in is unknown."""
    register(APIClient())
    dora = User.objects.get(username="dora")
    for person in (dora, alice):
        with_device(person, timezone.now(), name="old")
    return dora


@pytest.fixture
def phone(dora) -> APIClient:
    return logged_in("phone")


@pytest.fixture
def laptop(phone) -> APIClient:
    return logged_in("laptop")


OTHERS = {"old of alice"}
UNKNOWN = {"old of dora", *OTHERS}
PHONE = {"phone of dora"}


def revoke(client: APIClient, name: str) -> None:
    (number,) = (t["id"] for t in client.get(TOKENS).json()["results"] if t["name"] == name)
    assert client.delete(f"{TOKENS}{number}/").status_code == 204


def delete_in_admin(admin: Client, name: str, how: str) -> None:
    token = Token.objects.get(name=name)
    if how == "page":
        admin.post(reverse("admin:social_token_delete", args=[token.pk]), {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [token.pk], "post": "yes"}
        admin.post(reverse("admin:social_token_changelist"), chosen)


ENDS_ONE = {
    "logged out": lambda phone, laptop, admin: laptop.post("/api/v1/accounts/logout/"),
    "revoked": lambda phone, laptop, admin: revoke(phone, "laptop"),
    "deleted in the admin": lambda phone, laptop, admin: delete_in_admin(admin, "laptop", "page"),
    "deleted with others": lambda phone, laptop, admin: delete_in_admin(admin, "laptop", "action"),
    "deleted by SQL": lambda phone, laptop, admin: connection.cursor().execute(
        "DELETE FROM social_token WHERE name = 'laptop'"
    ),
}


@pytest.mark.parametrize("end", ENDS_ONE.values(), ids=ENDS_ONE)
def test_a_log_in_that_ends_removes_its_own_devices_only(phone, laptop, admin_client, end):
    assert devices() == {"laptop of dora", *PHONE, *UNKNOWN}
    end(phone, laptop, admin_client)
    assert Token.objects.count() == 1
    assert devices() == PHONE | UNKNOWN


def change(client: APIClient):
    body = {"current_password": PASSWORD, "password": NEW}
    return client.post("/api/v1/accounts/password/", body, format="json")


def reset(dora: User) -> None:
    token = forgotten_passwords.default_token_generator.make_token(dora)
    body = {"user_id": dora.pk, "token": token, "password": NEW}
    assert (
        APIClient().post("/api/v1/accounts/password/reset/", body, format="json").status_code == 204
    )


def close(client: APIClient) -> None:
    body = {"current_password": PASSWORD}
    assert client.post("/api/v1/accounts/close/", body, format="json").status_code == 204


def set_password(dora: User) -> None:
    dora.set_password(NEW)
    dora.save()


ENDS_ALL = {
    "everywhere": lambda dora, phone: phone.delete(TOKENS),
    "password reset": lambda dora, phone: reset(dora),
    "password set by an operator": lambda dora, phone: set_password(dora),
    "account closed": lambda dora, phone: close(phone),
}


@pytest.mark.parametrize("end", ENDS_ALL.values(), ids=ENDS_ALL)
def test_when_all_log_ins_end_devices_of_unknown_log_ins_are_removed_too(dora, phone, laptop, end):
    end(dora, phone)
    assert devices() == OTHERS


def test_a_password_change_keeps_the_devices_of_the_log_in_that_made_it(phone, laptop):
    assert change(phone).status_code == 204
    assert devices() == PHONE | OTHERS


def expire() -> None:
    Token.objects.update(expiry=timezone.now() - timedelta(seconds=1))


def test_an_expired_log_in_keeps_its_devices_for_180_days_after_their_last_use(dora, phone):
    used = timezone.now() + timedelta(days=30)
    Token.objects.update(last_used_at=used)
    expire()
    assert_problem(phone.get(SUBSCRIPTIONS), 401)
    prune()
    assert not Token.objects.exists()
    assert devices() == PHONE | UNKNOWN
    subscriptions.prune(now=used + subscriptions.KEEP_UNUSED)
    assert devices() == PHONE
    subscriptions.prune(now=used + subscriptions.KEEP_UNUSED + timedelta(seconds=1))
    assert devices() == set()


def test_a_device_of_a_current_log_in_is_never_pruned(dora, phone):
    subscriptions.prune(now=timezone.now() + 2 * subscriptions.KEEP_UNUSED)
    assert devices() == PHONE


@pytest.mark.parametrize("pruned", [False, True])
def test_when_all_log_ins_end_devices_of_expired_log_ins_are_removed_too(dora, phone, pruned):
    expire()
    if pruned:
        prune()
    laptop = logged_in("laptop")
    assert laptop.delete(TOKENS).status_code == 204
    assert devices() == OTHERS


def test_revoking_an_expired_log_in_removes_its_devices(dora, phone):
    expire()
    revoke(logged_in("laptop"), "phone")
    assert devices() == {"laptop of dora", *UNKNOWN}


def test_a_device_that_is_registered_again_belongs_to_its_last_log_in(phone, laptop):
    endpoint = f"{MOZILLA}/push/same"
    subscribe(phone, "tablet", endpoint=endpoint)
    assert subscribe(laptop, "tablet", endpoint=endpoint).status_code == 200
    phone.post("/api/v1/accounts/logout/")
    assert devices() == {"laptop of dora", "tablet of dora", *UNKNOWN}
    laptop.post("/api/v1/accounts/logout/")
    assert devices() == UNKNOWN


@pytest.mark.django_db(transaction=True)
def test_a_device_that_is_registered_while_its_log_in_ends_is_refused(phone):
    answers = []

    def register_another() -> None:
        answers.append(subscribe(phone, "tablet"))
        connection.close()

    asking = threading.Thread(target=register_another)
    with transaction.atomic():
        Token.objects.all().delete()
        asking.start()
        until(lambda: awaited_locks() or not asking.is_alive())
    asking.join(20)
    assert_problem(answers[0], 401)
    assert devices() == UNKNOWN


def test_a_device_of_a_web_session_is_removed_at_log_out_but_not_at_expiry(dora, now):
    User.objects.filter(pk=dora.pk).update(is_staff=True)
    browsers = [Client(), Client()]
    for number, browser in enumerate(browsers):
        browser.force_login(dora)
        session = browser.session
        name = logins.session_name(session)
        # The session's key may change during a log-in.
        session.cycle_key()
        browser.cookies["sessionid"] = session.session_key
        with_device(dora, now, name=f"browser {number}", session=name)
    browsers[0].post(reverse("admin:logout"))
    assert devices() == {"browser 1 of dora", *UNKNOWN}
    Session.objects.update(expire_date=now)
    call_command("clearsessions")
    assert not Session.objects.exists()
    assert devices() == {"browser 1 of dora", *UNKNOWN}
