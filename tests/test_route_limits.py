"""Which limit each route has, asked of every route there is: a new one without a decision fails
here, and one that has lost its limit."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from tests.routes import Route, routes

pytestmark = pytest.mark.django_db

ROUTES = routes()
LOGIN = {
    *("post register", "post login", "post close"),
    *("post password", "post forgotten", "post reset"),
    *("put email", "post email-confirm"),
}
# Bodies of those that try to enter an account.
ATTEMPTS = {
    "post login": {"username": "dora", "password": "wrong"},
    "post reset": {"user_id": 1, "token": "wrong", "password": "correct horse battery staple"},
}
LIMITS = {
    "login": LOGIN,
    "post": {"post posts"},
    "follow": {
        *("put follow", "put block", "put mute"),
        *("delete follow", "delete block", "delete mute"),
    },
    "write": {
        *("post logout", "delete tokens", "delete token", "patch me", "patch post", "delete post"),
        *("post push-subscriptions", "patch push-subscription", "delete push-subscription"),
        *("post push-subscription-test", "patch push-preferences"),
        *("put push-author-preference", "delete push-author-preference"),
        *("post notifications-read", "put notification-read", "post timeline-read"),
        *("post notifications-seen", "delete notification"),
    },
    "read": {
        *("get me", "get tokens", "get profile", "get author-posts", "get post"),
        *("get users", "get user-lookup", "get relationships"),
        *("get followers", "get following", "get blocks", "get mutes"),
        *("get timeline", "get timeline-unread-count", "get notifications"),
        "get notifications-unread-count",
        *("get push-subscriptions", "get push-subscription", "get push-public-key"),
        *("get push-preferences", "get push-silenced-authors", "get push-author-preference"),
        *("get analytics-days", "get analytics-hours", "get post-delivery"),
    },
}
# By its quota each limit is known in an answer's headers.
QUOTAS = {scope: 1_000 + place for place, scope in enumerate(LIMITS)}


@pytest.fixture(autouse=True)
def known(settings):
    settings.THROTTLES = {
        scope: {"address": quota, "account": quota} for scope, quota in QUOTAS.items()
    }


def limits(route: Route, body: dict) -> str:
    """Those that a request of nobody's is counted by."""
    url = reverse(route.name, kwargs=dict.fromkeys(route.parameters, 1))
    return getattr(APIClient(), route.method)(url, body, format="json")["RateLimit-Policy"]


def test_every_route_has_one_decision():
    decided = [name for names in LIMITS.values() for name in names]
    assert sorted(map(str, ROUTES)) == sorted(decided)


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_route_is_counted_as_was_decided(route):
    quota = next(QUOTAS[scope] for scope, names in LIMITS.items() if str(route) in names)
    assert limits(route, {}) == f'"address";q={quota};w=60'
    if attempt := ATTEMPTS.get(str(route)):
        both = f'"address";q={quota};w=60, "account";q={quota};w=60'
        assert limits(route, attempt) == both
