"""Bad requests. Each gets a 4xx with a problem, and leaves no row and no event."""

import json
from urllib.parse import urlencode

import pytest
from django.core import signing
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from events.models import OutboxEvent
from social.api import paging
from social.models import Post, User
from tests.api import PASSWORD, assert_problem, client_of, log_in, register

pytestmark = pytest.mark.django_db
POSTS = "/api/v1/posts/"
FAMILY = "👩\u200d👩\u200d👧"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n\t", id="blank"),
        pytest.param("\x1c\x1f\x85", id="blank to Python"),
        pytest.param("\ufeff", id="blank to JavaScript"),
        *(
            pytest.param(text, id=f"nothing visible: {text!a}")
            for text in (
                *("\u3164", "\u200b", "\u2800", "\xad", "\u115f", "\u1160", "\uffa0", "\u034f"),
                *("\u061c", "\u180e", "\u2060", "\u200d", "\u2064", "\ufe0f", "\u3000", "\u2028"),
                *("\ufff0", "\ufffc", "\uffff", "\U0001d159", "\U0001d173", "\U000e0020"),
                *("\U000e0100", "\u3164\u200b\n \u2800", "\u2066\u2069", " \ufe0f\u200d"),
            )
        ),
        *(
            pytest.param(f"a{text}b", id=f"harmful: {text!a}")
            for text in (
                *("\x00", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\r", "\r\n", "\x1b[31m", "\x1f"),
                *("\x7f", "\x80", "\x85", "\x9b", "\x9f"),
                *("\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u202b\u202c"),
                *("\u2066", "\u2067", "\u2068", "\u2069", "\u2069\u2066", "\u2066\u2067\u2069"),
            )
        ),
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
    "content", ["\u3164", "\u200b \u2800", "a\x1bb", "a\u202eb", "\u2067a", "\r"]
)
def test_an_edit_is_validated_as_a_post_is(alice, post, content):
    edit = client_of(alice).patch(f"{POSTS}{post.pk}/", {"content": content}, format="json")
    assert_problem(edit, 400, "content")
    post.refresh_from_db()
    assert post.content == "Hello world!"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("a\tb\nc", id="tab and newline"),
        pytest.param(
            FAMILY + ENGLAND,
            id="emoji",
        ),
        pytest.param("❤\ufe0f 1\ufe0f\u20e3", id="variation selectors"),
        pytest.param("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", id="Persian"),
        pytest.param("क्\u200dष", id="Devanagari"),
        pytest.param("葛\U000e0100", id="a Japanese name"),
        pytest.param("\u2068\u2067אבג\u2069 abc\u2069", id="balanced isolates"),
        pytest.param("\u200fabc\u200e", id="marks of direction"),
        pytest.param("\u1100\u1160", id="half a Korean syllable"),
        pytest.param("\u20e3", id="a mark alone"),
    ],
)
def test_characters_that_languages_and_emoji_need_are_accepted_unchanged(alice, content):
    made = client_of(alice).post(POSTS, {"content": content}, format="json")
    assert made.status_code == 201, made.content
    assert Post.objects.get().content == made.json()["content"] == content


@pytest.mark.parametrize(
    "name", ["\u3164", "\u200b", "a\nb", "a\tb", "\x1b[2J", "a\u202eb", "\u2066a"]
)
def test_a_device_name_without_visible_characters_or_with_lines_is_refused(alice, name):
    account = {"username": "dora", "email": "", "password": PASSWORD}
    register(APIClient(), **account)
    assert_problem(log_in(APIClient(), device=name), 400, "device")
    device = {"transport": "console", "token": "x", "name": name}
    assert_problem(
        client_of(alice).post("/api/v1/push/subscriptions/", device, format="json"), 400, "name"
    )


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
def test_a_value_that_is_not_a_string_is_not_converted(alice, content):
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


SIZES = [(None, 50), ("1", 1), ("10", 10), ("50", 50)]


@pytest.mark.parametrize(("given", "size"), SIZES)
def test_page_sizes_from_1_to_50_are_accepted(given, size):
    query = {} if given is None else {"limit": given}
    request = APIView().initialize_request(APIRequestFactory().get("/", query))
    assert paging.limit(request) == size


OUTSIDE = ["-1", "0", "51", "00", "9" * 400, "-" + "9" * 400, "007"]
NUMBERLESS = ["", "x", "1.5", "²", "٣", "1 ", "+1", "--1", "\0", "null", "1e1", "0x1", "1_0"]


@pytest.mark.parametrize("limit", [*OUTSIDE, *NUMBERLESS])
def test_page_sizes_outside_1_to_50_are_refused(alice, some_list, limit):
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
        # Unicode calls these letters, but they are invisible.
        {"username": "\u3164"},
        {"username": "al\u115fice"},
        {"username": "alice\uffa0"},
        {"username": ""},
        # Normalising makes these longer: 162 characters, several words, 493 characters.
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
def test_answers_are_json_whatever_the_accept_header_says(alice, accept):
    response = client_of(alice).get("/api/v1/accounts/me/", HTTP_ACCEPT=accept)
    assert response["Content-Type"] == "application/json"
