"""Clients of the API, and its one error shape."""

from knox.models import get_token_model
from rest_framework.test import APIClient

from social.models import NewAddress, User

PASSWORD = "correct horse battery staple"


def client_of(user: User) -> APIClient:
    _, token = get_token_model().objects.create(user=user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def assert_problem(response, status: int, field: str | None = None) -> None:
    """The one error shape of the API (RFC 9457)."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:connectify:problem:")
    assert body["title"]
    if field:
        assert field in [error["field"] for error in body["errors"]]


def register(client: APIClient, **changes):
    account = {"username": "dora", "email": "dora@example.com", "password": PASSWORD}
    return client.post("/api/v1/accounts/register/", account | changes, format="json")


def register_with_address(client: APIClient, **changes) -> None:
    """As register(), and the mail to the address was answered."""
    answer = register(client, **changes).json()
    User.objects.filter(pk=answer["id"]).update(email=answer["new_email"])
    NewAddress.objects.all().delete()


def log_in(client: APIClient, **changes):
    login = {"username": "dora", "password": PASSWORD, "device": "phone"}
    return client.post("/api/v1/accounts/login/", login | changes, format="json")
