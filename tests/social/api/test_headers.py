from pathlib import Path

import pytest
from rest_framework.test import APIClient

from social.api import documents
from tests.api import client_of

DESCRIPTION = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["users/{}/", "timeline/"])
def test_an_unchanged_answer_is_not_sent_again(alice, bob, path):
    client = client_of(bob)
    url = "/api/v1/" + path.format(alice.pk)
    first = client.get(url)
    assert first["Cache-Control"] == "private, no-cache"
    assert "Authorization" in first["Vary"]
    again = client.get(url, HTTP_IF_NONE_MATCH=first["ETag"], HTTP_X_REQUEST_ID="abc")
    assert (again.status_code, again.content) == (304, b"")
    assert again["X-Request-Id"] == "abc"


def test_a_changed_answer_is_sent_with_another_etag(alice, carol):
    client, url = client_of(carol), f"/api/v1/users/{alice.pk}/"
    first = client.get(url)
    client.put(f"{url}follow/")
    again = client.get(url, HTTP_IF_NONE_MATCH=first["ETag"])
    assert again.status_code == 200
    assert again.json()["followers"] == 1


def test_pages_of_other_origins_may_not_use_the_api(settings):
    asked = {"HTTP_ORIGIN": "https://evil.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    answer = APIClient().options("/api/v1/timeline/", **asked)
    assert "Access-Control-Allow-Origin" not in answer
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    asked["HTTP_ORIGIN"] = "https://app.example"
    answer = APIClient().options("/api/v1/timeline/", **asked)
    assert answer["Access-Control-Allow-Origin"] == "https://app.example"


def test_pages_of_allowed_origins_may_read_the_apis_headers(alice, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    client, key = client_of(alice), {"Idempotency-Key": "1", "Origin": "https://app.example"}
    for _ in range(2):
        answer = client.post("/api/v1/posts/", {"content": "hi"}, format="json", headers=key)
    assert answer["Idempotent-Replayed"] == "true"
    readable = answer["Access-Control-Expose-Headers"].split(", ")
    assert {"Idempotent-Replayed", "RateLimit", "RateLimit-Policy", "X-Request-Id"} <= {*readable}


@pytest.mark.parametrize("path", ["/admin/login/", "/api/docs/", "/api/v1/timeline/"])
def test_security_headers_are_set(client, path):
    answer = client.get(path)
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"].split("style-src")[0]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


def test_the_description_is_served_as_it_is_committed_whatever_the_query():
    for path in ("/api/schema/", "/api/schema/?version=a%0d%0ab&lang=de&format=json"):
        answer = APIClient().get(path)
        assert (answer.status_code, answer.content) == (200, DESCRIPTION.read_bytes())
        assert answer["Content-Type"] == "application/vnd.oai.openapi"


def test_the_description_is_made_once():
    assert documents.document() is documents.document()
