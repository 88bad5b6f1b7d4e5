"""What no route may do, asked of every route there is: a new one without a decision fails here.

A route without ids concerns the caller alone. One with an id belongs to the owner of what it names,
and finds nothing for anybody else, or it is for everybody.
"""

import json

import pytest
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from fanout import partitions
from notifications.models import Notification, PushSubscription
from social.models import Token
from tests.api import assert_problem, client_of
from tests.notifications.people import with_device
from tests.routes import Route, routes

pytestmark = pytest.mark.django_db

ROUTES = routes()
WITH_ID = [route for route in ROUTES if route.parameters]
DESCRIBED = SchemaGenerator().get_schema(public=True)["paths"]
WITH_BODY = [r for r in ROUTES if "requestBody" in DESCRIBED[r.path][r.method]]

PUBLIC = {"post register", "post login", "post forgotten", "post reset", "post email-confirm"}
OWNERS = {
    *("patch post", "delete post", "delete token"),
    *("get push-subscription", "patch push-subscription", "delete push-subscription"),
    *("post push-subscription-test", "put notification-read", "delete notification"),
    "get post-delivery",
}
# Whom one looks at, follows or silences is a free choice; what it writes is the caller's own.
EVERYBODYS = {
    *("get profile", "get author-posts", "get followers", "get following", "get post"),
    *("put follow", "put block", "put mute", "delete follow", "delete block", "delete mute"),
    *("get push-author-preference", "put push-author-preference"),
    "delete push-author-preference",
}
BODIES = {
    "put push-author-preference": {"push": "none"},
    "patch post": {"content": "mine"},
    "patch push-subscription": {"name": "mine"},
}


@pytest.fixture
def own(alice):
    """Alice's client."""
    return client_of(alice)


@pytest.fixture
def url(alice, own, post, now):
    """The URL of a route about what is Alice's."""
    with_device(alice, now)
    partitions.ensure(Notification._meta.db_table, [post.pk])
    Notification.objects.create(recipient=alice, post_id=post.pk, created_at=now)
    device = {"pk": PushSubscription.objects.get().pk}
    ids = {"user_id": alice.pk, "number": Token.objects.get(user=alice).number}
    by_route = {
        "post": {"pk": post.pk},
        "post-delivery": {"post_id": post.pk},
        "notification": {"post_id": post.pk},
        "notification-read": {"post_id": post.pk},
        "push-subscription": device,
        "push-subscription-test": device,
    }

    def url(route: Route) -> str:
        known = ids | by_route.get(route.name, {})
        return reverse(route.name, kwargs={name: known[name] for name in route.parameters})

    return url


def ask(client: APIClient, route: Route, url: str):
    body = json.dumps(BODIES.get(str(route), {}))
    return client.generic(route.method, url, body, content_type="application/json")


def test_every_route_with_an_id_has_one_decision():
    assert sorted(map(str, WITH_ID)) == sorted([*OWNERS, *EVERYBODYS])


@pytest.mark.parametrize("route", [r for r in ROUTES if str(r) not in PUBLIC], ids=str)
def test_nobody_is_let_in_without_a_token_or_with_a_revoked_one(route, url, carol):
    revoked = client_of(carol)
    Token.objects.filter(user=carol).delete()
    forged = APIClient(HTTP_AUTHORIZATION="Bearer " + "0" * 64)
    for client in (APIClient(), revoked, forged):
        assert_problem(ask(client, route, url(route)), 401)


@pytest.mark.parametrize("route", [r for r in WITH_ID if str(r) in OWNERS], ids=str)
def test_what_is_somebody_elses_is_not_found(route, url, own, bob):
    assert_problem(ask(client_of(bob), route, url(route)), 404)
    assert ask(own, route, url(route)).status_code != 404


@pytest.mark.parametrize("route", [r for r in WITH_ID if str(r) in EVERYBODYS], ids=str)
def test_what_is_for_everybody_is_found(route, url, bob):
    assert ask(client_of(bob), route, url(route)).status_code < 300


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
def test_what_a_client_may_not_set_is_refused(route, url, own):
    for field in ("is_staff", "id", "author", "created_at"):
        response = getattr(own, route.method)(url(route), {field: 1}, format="json")
        assert_problem(response, 400, field)


@pytest.mark.parametrize("route", [r for r in ROUTES if str(r) not in PUBLIC], ids=str)
def test_a_session_of_the_admin_opens_nothing_and_no_cookie_is_set(route, url, admin_client):
    response = ask(admin_client, route, url(route))
    assert_problem(response, 401)
    assert not response.cookies


@pytest.mark.parametrize("route", [r for r in ROUTES if str(r) not in PUBLIC], ids=str)
def test_a_query_parameter_that_nobody_reads_is_refused(route, url, own):
    for query, name in (("limt=5", "limt"), ("=5", ""), ("format=xml", "format")):
        response = ask(own, route, f"{url(route)}?{query}")
        assert_problem(response, 400)
        assert name in [error["field"] for error in response.json()["errors"]]


@pytest.mark.parametrize("route", [r for r in ROUTES if str(r) in PUBLIC], ids=str)
def test_it_is_refused_of_strangers_too(route):
    assert_problem(ask(APIClient(), route, f"{reverse(route.name)}?next=/"), 400, "next")


def _described(route: Route) -> set[str]:
    parameters = DESCRIBED[route.path][route.method].get("parameters", [])
    return {each["name"] for each in parameters if each.get("in") == "query"}


@pytest.mark.parametrize("route", [r for r in ROUTES if _described(r)], ids=str)
def test_a_described_query_parameter_is_known_and_given_once(route, url, own):
    for name in _described(route):
        for times in (1, 2):
            response = ask(own, route, f"{url(route)}?{'&'.join([f'{name}=!'] * times)}")
            assert_problem(response, 400, name)
            codes = {error["code"] for error in response.json()["errors"]}
            assert ("twice" in codes) == (times == 2)
            assert "unknown" not in codes


def test_whoever_is_let_in_by_no_token_is_told_that_alone():
    assert_problem(APIClient().get("/api/v1/timeline/?limt=5"), 401)


@pytest.mark.parametrize("path", ["/health/live/", "/health/ready/", "/api/schema/", "/api/docs/"])
def test_what_is_no_part_of_the_api_takes_any_query(client, path):
    assert client.get(f"{path}?utm_source=mail").status_code == 200


def test_the_admin_takes_its_own(admin_client):
    assert admin_client.get("/admin/?utm_source=mail").status_code == 200
