"""What no client should send: a 4xx in the one error shape, no row, no event."""

import json
from urllib.parse import urlencode

import pytest
from django.core import signing
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from events.models import OutboxEvent
from social.api import paging
from social.models import Post, User
from tests.api import assert_problem, client_of, register

pytestmark = pytest.mark.django_db
POSTS = "/api/v1/posts/"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n\t", id="blank"),
        pytest.param("\x1c\x1f\x85", id="blank to Python"),
        pytest.param("\ufeff", id="blank to JavaScript"),
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


@pytest.mark.parametrize("content", [5, 5.5, True, 2**63, [], {}])
def test_what_is_no_string_is_not_made_one(alice, content):
    response = client_of(alice).post(POSTS, {"content": content}, format="json")
    assert_problem(response, 400, "content")
    assert not Post.objects.exists()


@pytest.mark.parametrize("user_id", ["1", 1.0, 1.5, None, True, 0, -1, 2**63, 10**400, [1], {}])
def test_an_id_is_a_positive_integer_that_fits(db, user_id):
    body = json.dumps({"user_id": user_id, "token": "x", "password": "correct horse battery"})
    url = "/api/v1/accounts/password/reset/"
    response = APIClient().post(url, body, content_type="application/json")
    assert_problem(response, 400)


@pytest.mark.parametrize("number", ["0", "-1", "1.0", "null", "%00", "1e3", str(2**63), "9" * 400])
def test_an_impossible_id_in_a_path_is_not_found(alice, number):
    assert_problem(client_of(alice).get(f"{POSTS}{number}/"), 404)


LISTS = ["users/{}/posts/", "users/{}/followers/", "users/{}/following/", "blocks/", "mutes/"]


@pytest.fixture(params=LISTS)
def some_list(request, alice) -> str:
    return "/api/v1/" + request.param.format(alice.pk)


SIZES = [
    *((None, 50), ("1", 1), ("10", 10), ("50", 50), ("007", 7)),
    *(("0", 1), ("-0", 1), ("-5", 1), ("-" + "9" * 400, 1)),
    *(("51", 50), ("1000000", 50), ("9" * 400, 50)),
]


@pytest.mark.parametrize(("given", "size"), SIZES)
def test_page_sizes_are_taken_to_the_range(given, size):
    query = {} if given is None else {"limit": given}
    request = APIView().initialize_request(APIRequestFactory().get("/", query))
    assert paging.limit(request) == size


@pytest.mark.parametrize("limit", ["-1", "0", "51", "9" * 400, "-" + "9" * 400])
def test_odd_page_sizes_are_taken(alice, some_list, limit):
    assert client_of(alice).get(some_list, {"limit": limit}).status_code == 200


@pytest.mark.parametrize("limit", ["", "x", "1.5", "²", "٣", "1 ", "--1", "\0", "null"])
def test_page_sizes_that_are_no_numbers_are_refused(alice, some_list, limit):
    assert_problem(client_of(alice).get(some_list, {"limit": limit}), 400, "limit")


@pytest.mark.parametrize(
    "cursor", ["", "5", "x:y", "\0", "\ud800", "5:AAAA", signing.Signer(salt="x").sign_object(5)]
)
def test_forged_cursors_are_refused(alice, some_list, cursor):
    query = urlencode({"cursor": cursor}, errors="surrogatepass")
    assert_problem(client_of(alice).get(f"{some_list}?{query}"), 400, "cursor")


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "\0", "\x7f", "é"])
def test_odd_idempotency_keys_are_refused(alice, key):
    response = client_of(alice).post(
        POSTS, {"content": "hi"}, format="json", HTTP_IDEMPOTENCY_KEY=key
    )
    assert_problem(response, 400, "Idempotency-Key")
    assert not Post.objects.exists()


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Bearer a b", "Bearer \xff", "Basic eDp5", "x"]
)
def test_odd_authorizations_are_refused(db, authorization):
    client = APIClient(HTTP_AUTHORIZATION=authorization)
    assert_problem(client.get("/api/v1/accounts/me/"), 401)


@pytest.mark.parametrize(
    "account",
    [
        {"username": "a\0b"},
        {"username": "x" * 151},
        {"username": "<script>"},
        {"username": ""},
        # These grow when they are normalised: to 162 characters, to words, to 493 characters.
        {"username": "\ufdfa" * 9},
        {"username": "\ufdfa"},
        {"email": "a@" + ("\u0130" * 60 + ".") * 4 + "example"},
        {"email": "no address"},
        {"email": "a@b.example\nBcc: c@d.example"},
        {"password": "x" * 129},
        {"password": None},
        {"is_superuser": True},
        {"date_joined": "2020-01-01"},
    ],
)
def test_bad_accounts_are_refused(db, account):
    assert_problem(register(APIClient(), **account), 400, next(iter(account)))
    assert not User.objects.exists()


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png;q=0.1", "*/*;q=0"])
def test_answers_are_json_whatever_is_asked_for(alice, accept):
    response = client_of(alice).get("/api/v1/accounts/me/", HTTP_ACCEPT=accept)
    assert response["Content-Type"] == "application/json"
