"""What no client should send: a 4xx in the one error shape, no row, no event."""

import json

import pytest

from events.models import OutboxEvent
from social.models import Post
from tests.api import assert_problem, client_of

pytestmark = pytest.mark.django_db
POSTS = "/api/v1/posts/"


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
