from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from operations.tasks import prune
from social.api.authentication import find
from social.models import Token
from tests.api import assert_problem, client_of, log_in, register

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/accounts/tokens/"
ME = "/api/v1/accounts/me/"


def device(name: str) -> APIClient:
    client = APIClient()
    token = log_in(client, device=name).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def phone():
    register(APIClient())
    return device("phone")


@pytest.fixture
def laptop(phone):
    return device("laptop")


def test_devices_are_listed_without_their_secrets(phone, laptop):
    laptop.get(ME)
    found = phone.get(TOKENS).json()["results"]
    assert [(token["name"], token["current"]) for token in found] == [
        ("laptop", False),
        ("phone", True),
    ]
    assert all(token["last_used_at"] for token in found)
    assert {key for token in found for key in token} == {
        *("id", "name", "created_at", "expires_at", "last_used_at", "current")
    }
    text = phone.get(TOKENS).content.decode()
    assert not any(row.digest in text or row.token_key in text for row in Token.objects.all())


def test_devices_are_listed_page_by_page(phone, django_assert_num_queries):
    for name in ("a", "b", "c", "d"):
        device(name)
    phone.get(TOKENS)
    pages, url = [], f"{TOKENS}?limit=2"
    while url:
        # The token, the page.
        with django_assert_num_queries(2):
            answer = phone.get(url).json()
        pages.append([token["name"] for token in answer["results"]])
        url = answer["next"]
    assert pages == [["d", "c"], ["b", "a"], ["phone"]]


def test_a_device_is_logged_out_and_others_are_not(phone, laptop):
    number = phone.get(TOKENS).json()["results"][0]["id"]
    assert phone.delete(f"{TOKENS}{number}/").status_code == 204
    assert_problem(laptop.get(ME), 401)
    assert phone.get(ME).status_code == 200
    assert_problem(phone.delete(f"{TOKENS}{number}/"), 404)


def test_all_devices_of_a_user_are_logged_out_and_no_others(phone, laptop, alice):
    other = client_of(alice)
    assert phone.delete(TOKENS).status_code == 204
    assert_problem(phone.get(ME), 401)
    assert_problem(laptop.get(ME), 401)
    assert other.get(ME).status_code == 200


def test_somebody_elses_device_is_not_found(phone, alice):
    number = phone.get(TOKENS).json()["results"][0]["id"]
    assert_problem(client_of(alice).delete(f"{TOKENS}{number}/"), 404)
    assert phone.get(ME).status_code == 200


def test_a_token_is_found_with_its_user_as_the_orm_would(alice):
    _, secret = Token.objects.create(alice)
    (found,) = find(secret[:15])
    (expected,) = Token.objects.select_related("user")
    for one, other in ((found, expected), (found.user, expected.user)):
        assert {**vars(one), "_state": None} == {**vars(other), "_state": None}


def test_a_token_that_only_begins_like_a_known_one_is_refused(client, alice):
    _, secret = Token.objects.create(alice)
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    assert client.get(ME, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert_problem(client.get(ME, headers={"Authorization": f"Bearer {other}"}), 401)


def test_an_expired_token_is_refused_and_soon_deleted(client, alice, now):
    token, secret = Token.objects.create(alice)
    Token.objects.filter(pk=token.pk).update(expiry=now)
    assert_problem(client.get(ME, headers={"Authorization": f"Bearer {secret}"}), 401)
    prune()
    assert not Token.objects.exists()


def test_expired_tokens_that_nobody_uses_are_deleted_too(phone, laptop):
    now = timezone.now()
    Token.objects.filter(name="laptop").update(expiry=now - timedelta(seconds=1))
    prune()
    assert [token.name for token in Token.objects.all()] == ["phone"]
