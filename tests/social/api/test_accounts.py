import time

import pytest
from rest_framework.test import APIClient

from events.models import OutboxEvent
from social.models import Closure, Token, User
from tests.api import PASSWORD, assert_problem, client_of, log_in, register
from tests.at_once import at_once
from tests.social.counting_hasher import CountingHasher

pytestmark = pytest.mark.django_db
POSTS = "/api/v1/posts/"
ME = "/api/v1/accounts/me/"
CLOSE = "/api/v1/accounts/close/"


def test_a_registered_person_logs_in_and_posts():
    client = APIClient()
    registered = register(client)
    assert registered.status_code == 201
    assert "password" not in registered.json()
    answer = log_in(client).json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer['token']}")
    created = client.post(POSTS, {"content": "Hello world!"}, format="json")
    assert created.status_code == 201
    body = created.json()
    assert isinstance(body["id"], int)
    assert body["author"] == {"id": registered.json()["id"], "username": "dora"}
    assert body["content"] == "Hello world!"
    assert Token.objects.get().name == "phone"
    assert Token.objects.get().last_used_at


def test_passwords_are_hashed_by_argon2():
    register(APIClient())
    assert User.objects.get().password.startswith("argon2$")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"password": "12345678"}, "password"), ({"username": "a b"}, "username")],
)
def test_a_bad_account_is_refused(changes, field):
    assert_problem(register(APIClient(), **changes), 400, field)
    assert not User.objects.exists()


WIDE = "\uff44\uff4f\uff52\uff41"  # "dora" in full-width characters.


@pytest.mark.parametrize("name", ["dora", WIDE, f" {WIDE}\u3000"])
def test_a_name_is_the_same_however_it_is_typed(name):
    assert register(APIClient(), username=name).json()["username"] == "dora"
    assert_problem(register(APIClient()), 400, "username")
    assert_problem(register(APIClient(), username=WIDE), 400, "username")
    for typed in ("dora", WIDE, " dora "):
        assert log_in(APIClient(), username=typed).status_code == 200


def test_a_name_that_would_take_minutes_to_normalise_is_refused_at_once():
    began = time.monotonic()
    assert_problem(log_in(APIClient(), username="\u0301\u0316" * 60_000), 400, "username")
    assert time.monotonic() - began < 3


def test_nobody_registers_as_staff():
    assert_problem(register(APIClient(), is_staff=True), 400, "is_staff")


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(changes):
    register(APIClient())
    response = log_in(APIClient(), **changes)
    assert_problem(response, 403)
    assert response.json()["type"] == "urn:connectify:problem:credentials"


def test_a_revoked_token_is_refused(alice):
    client = client_of(alice)
    assert client.post("/api/v1/accounts/logout/").status_code == 204
    assert_problem(client.post(POSTS, {"content": "hi"}, format="json"), 401)


def test_users_read_their_own_account(alice, bob, django_assert_num_queries):
    client = client_of(alice)
    client.get(ME)
    # The token, the profile, the counts, the unconfirmed address.
    with django_assert_num_queries(4):
        answer = client.get(ME).json()
    assert answer == {
        "id": alice.pk,
        "username": "alice",
        "display_name": "",
        "bio": "",
        "joined_at": answer["joined_at"],
        "followers": 1,
        "following": 0,
        "language": "",
        "time_zone": "UTC",
        "email": "",
        "new_email": None,
    }


@pytest.mark.django_db(transaction=True)
def test_a_name_taken_at_the_same_moment_is_refused_without_an_error():
    answers = at_once(lambda: register(APIClient()).status_code)
    assert sorted(answers) == [201, 400, 400, 400]


def test_a_closed_account_is_gone_at_once_and_its_name_free(alice, bob, post):
    alice.set_password(PASSWORD)
    alice.save()
    client, other = client_of(alice), client_of(bob)
    assert client.post(CLOSE, {"current_password": PASSWORD}, format="json").status_code == 204
    assert_problem(client.get(ME), 401)
    assert not Token.objects.filter(user=alice).exists()
    assert_problem(log_in(APIClient(), username="alice"), 403)
    assert_problem(other.get(f"{POSTS}{post.pk}/"), 404)
    assert_problem(other.get(f"/api/v1/users/{alice.pk}/"), 404)
    assert other.get(f"/api/v1/users/{bob.pk}/following/").json()["results"] == []
    assert Closure.objects.get().user_id == alice.pk
    assert OutboxEvent.objects.filter(routing_key="user.closed").count() == 1
    assert register(APIClient(), username="alice").status_code == 201


def test_an_account_is_not_closed_without_the_password(alice):
    response = client_of(alice).post(CLOSE, {"current_password": "wrong"}, format="json")
    assert_problem(response, 403)
    assert not Closure.objects.exists()


@pytest.mark.parametrize("who", ["known", "unknown", "closed", "without a password"])
def test_every_login_that_fails_computes_one_hash(settings, who):
    """The time of the answer must not reveal whether the name exists."""
    settings.PASSWORD_HASHERS = ["tests.social.counting_hasher.CountingHasher"]
    if who != "unknown":
        register(APIClient())
    if who == "closed":
        User.objects.update(is_active=False)
    if who == "without a password":
        User.objects.update(password="!")
    before = CountingHasher.computed
    assert_problem(log_in(APIClient(), password="wrong"), 403)
    assert CountingHasher.computed == before + 1
