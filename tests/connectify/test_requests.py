import pytest
from rest_framework.test import APIClient

from events.models import OutboxEvent
from tests.api import client_of

POSTS = "/api/v1/posts/"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

pytestmark = pytest.mark.django_db


def test_a_request_keeps_its_id_in_answer_problem_and_event(alice):
    client = client_of(alice)
    created = client.post(POSTS, {"content": "hi"}, format="json", HTTP_X_REQUEST_ID="abc-1")
    assert created["X-Request-Id"] == "abc-1"
    assert OutboxEvent.objects.get().headers["request_id"] == "abc-1"
    refused = client.post(POSTS, {"content": ""}, format="json", HTTP_X_REQUEST_ID="abc-2")
    assert refused["X-Request-Id"] == refused.json()["request_id"] == "abc-2"


@pytest.mark.parametrize("given", ["", "a,b", "a b", "a\n", "x" * 129, "é", '"'])
def test_a_request_without_a_usable_id_gets_one(given):
    ids = {APIClient().get(POSTS, HTTP_X_REQUEST_ID=given)["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(len(made) == 32 and made.isalnum() for made in ids)


def test_a_404_has_a_request_id_too():
    response = APIClient().get("/api/v1/nothing/")
    assert response.json()["request_id"] == response["X-Request-Id"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [(TRACEPARENT, True), ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", False), ("x", False)],
)
def test_the_trace_of_a_request_is_passed_on_to_its_event(alice, given, kept):
    client_of(alice).post(POSTS, {"content": "hi"}, format="json", HTTP_TRACEPARENT=given)
    assert (OutboxEvent.objects.get().headers["traceparent"] == given) is kept
