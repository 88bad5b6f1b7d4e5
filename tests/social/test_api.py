import json

import pytest
from rest_framework.test import APIClient

from events.models import OutboxEvent
from social.models import Follow, Post, Token, User
from tests.api import assert_problem, client_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
POSTS = "/api/v1/posts/"


def register(client: APIClient, **changes):
    account = {"username": "dora", "email": "dora@example.com", "password": PASSWORD}
    return client.post("/api/v1/accounts/register/", account | changes, format="json")


def log_in(client: APIClient, **changes):
    login = {"username": "dora", "password": PASSWORD, "device": "phone"}
    return client.post("/api/v1/accounts/login/", login | changes, format="json")


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


def test_nobody_registers_as_staff():
    assert_problem(register(APIClient(), is_staff=True), 400, "is_staff")


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(changes):
    register(APIClient())
    response = log_in(APIClient(), **changes)
    assert_problem(response, 400)
    assert response.json()["errors"][0]["code"] == "credentials"


def test_a_revoked_token_opens_nothing(alice):
    client = client_of(alice)
    assert client.post("/api/v1/accounts/logout/").status_code == 204
    assert_problem(client.post(POSTS, {"content": "hi"}, format="json"), 401)


def test_without_a_token_nothing_is_posted():
    response = APIClient().post(POSTS, {"content": "hi"}, format="json")
    assert_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n\t", id="blank"),
        pytest.param("x" * 5_001, id="5,001 characters"),
        pytest.param("a\x00b", id="NUL"),
        pytest.param(None, id="null"),
        pytest.param(["a"], id="a list"),
        pytest.param({"a": 1}, id="an object"),
    ],
)
def test_a_bad_post_is_refused_and_leaves_nothing(alice, content):
    assert_problem(client_of(alice).post(POSTS, {"content": content}, format="json"), 400)
    assert not Post.objects.exists()
    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"{", 400, id="malformed"),
        pytest.param(b'{"content": "a", "content": "b"}', 400, id="duplicate keys"),
        pytest.param(b'{"content": NaN}', 400, id="NaN"),
        pytest.param(b'{"content": "\\ud800"}', 400, id="lone surrogate"),
        pytest.param(b'{"content": "\xff"}', 400, id="invalid UTF-8"),
        pytest.param('{"content": "a"}'.encode("utf-16"), 400, id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"content": "a"}', 400, id="BOM"),
        pytest.param(b"[" * 10_000, 400, id="depth 10,000"),
        pytest.param(b'{"content": 1' + b"0" * 5_000 + b"}", 400, id="a huge integer"),
        pytest.param(b"[]", 400, id="a list"),
        pytest.param(b"5", 400, id="a number"),
        pytest.param(json.dumps({"content": "x" * 10_000_000}).encode(), 413, id="10 MB"),
        pytest.param(b'{"content": "a", "author": 1}', 400, id="an author"),
        pytest.param(b'{"content": "a", "created_at": "2020-01-01"}', 400, id="a time"),
    ],
)
def test_a_bad_body_is_refused_and_leaves_nothing(alice, body, status):
    response = client_of(alice).post(POSTS, body, content_type="application/json")
    assert_problem(response, status)
    assert not Post.objects.exists()
    assert not OutboxEvent.objects.exists()


def test_a_wrong_content_type_and_a_wrong_method_are_problems_too(alice):
    client = client_of(alice)
    assert_problem(client.post(POSTS, "content=a", content_type="text/plain"), 415)
    assert_problem(client.delete(POSTS), 405)
    assert_problem(client.get("/api/v1/no-such-thing/"), 404)


@pytest.mark.parametrize(
    "content", ["x" * 5_000, "שלום", "👩‍👩‍👧‍👦", "<script>", "'; DROP TABLE--"]
)
def test_text_is_kept_as_it_came(alice, content):
    created = client_of(alice).post(POSTS, {"content": content}, format="json")
    assert created.status_code == 201
    assert Post.objects.get().content == content
    assert created.json()["content"] == content


def test_following_and_unfollowing_may_be_repeated(alice, carol):
    client = client_of(carol)
    url = f"/api/v1/users/{alice.pk}/follow/"
    assert [client.put(url).status_code for _ in range(2)] == [204, 204]
    assert Follow.objects.count() == 1
    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]
    assert not Follow.objects.exists()


def test_oneself_nobody_and_impossible_ids_cannot_be_followed(alice):
    client = client_of(alice)
    assert_problem(client.put(f"/api/v1/users/{alice.pk}/follow/"), 400)
    assert_problem(client.put("/api/v1/users/999999999/follow/"), 404)
    assert_problem(client.put(f"/api/v1/users/{2**63}/follow/"), 404)
    assert_problem(client.put("/api/v1/users/0/follow/"), 404)
    assert_problem(client.put("/api/v1/users/abc/follow/"), 404)


def test_a_post_is_deleted_by_its_author_alone(post, bob, alice):
    url = f"{POSTS}{post.pk}/"
    assert_problem(client_of(bob).delete(url), 404)
    assert client_of(bob).get(url).status_code == 200
    assert client_of(alice).delete(url).status_code == 204
    assert_problem(client_of(bob).get(url), 404)


def test_posting_takes_a_fixed_number_of_queries(alice, django_assert_num_queries):
    client = client_of(alice)
    client.post(POSTS, {"content": "the first use of the token"}, format="json")
    # The token, the transaction's pair, the post, its event, the notification.
    with django_assert_num_queries(6):
        client.post(POSTS, {"content": "hi"}, format="json")
