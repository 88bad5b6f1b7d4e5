"""All error answers under /api/ are problems, with a stable type."""

import re
import threading
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError, connection, transaction
from django.http import Http404
from django.urls import get_resolver
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.test import APIClient
from rest_framework.views import APIView

from notifications.api.subscriptions import TooManyDevices
from notifications.models import PushSubscription
from social import posts
from social.api.problems import problem_response
from social.forgotten_passwords import ResetRefusedError
from social.idempotency import KeyInUseError, KeyReusedError
from social.models import Post
from social.overload import OverloadedError
from social.relations import RelationError
from tests.api import assert_problem, client_of
from tests.notifications.people import with_device
from tests.waiting import awaited_locks, until

PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
TYPES = [
    (exceptions.ValidationError({"content": ["…"]}), 400, "validation"),
    (exceptions.ParseError(), 400, "parse-error"),
    (exceptions.NotAuthenticated(), 401, "not-authenticated"),
    (exceptions.AuthenticationFailed(), 401, "authentication-failed"),
    (PermissionDenied(), 403, "permission-denied"),
    (ResetRefusedError(), 403, "credentials"),
    (Http404(), 404, "not-found"),
    (Post.DoesNotExist(), 404, "not-found"),
    (exceptions.MethodNotAllowed("PUT"), 405, "method-not-allowed"),
    (RelationError("…"), 409, "relation"),
    (KeyInUseError(), 409, "idempotency-key-in-use"),
    (TooManyDevices(), 409, "too-many-devices"),
    (RequestDataTooBig(), 413, "payload-too-large"),
    (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported-media-type"),
    (KeyReusedError(), 422, "idempotency-key-reused"),
    (exceptions.Throttled(wait=1), 429, "throttled"),
    (OverloadedError(), 503, "unavailable"),
    (OperationalError(), 503, "unavailable"),
]


@pytest.mark.parametrize(("error", "status", "name"), TYPES, ids=lambda part: repr(part))
def test_every_error_has_a_stable_type(rf, error, status, name):
    view = APIView(throttle_classes=())
    request = view.initialize_request(rf.get("/api/v1/"))
    response = problem_response(error, {"view": view, "request": request})
    assert response.status_code == status
    assert f'"type":"urn:connectify:problem:{name}"' in response.content.decode()


# Types of errors before or outside the views.
OTHERS = {("400", "bad-request"), ("500", "server-error")}
TABLE = re.findall(r"^\| (\d{3}[\d, ]*) \| (`.*?`) \|", PAGE.read_text(), re.MULTILINE)


def test_every_type_is_in_the_documentations_table_and_no_other():
    documented = {
        (status, name)
        for statuses, names in TABLE
        for status in re.findall(r"\d+", statuses)
        for name in re.findall(r"`(.*?)`", names)
    }
    known = {(str(status), name) for _, status, name in TYPES} | OTHERS
    assert {name for _, name in documented} == {name for _, name in known}
    assert known <= documented


def test_an_internal_error_is_a_problem_without_details(alice):
    client = client_of(alice)
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE social_block RENAME TO elsewhere;"
            " CREATE VIEW social_block AS"
            " SELECT blocker_id, blocked_id, created_at FROM elsewhere WHERE 1 / 0 = 1"
        )
    response = client.get("/api/v1/blocks/", HTTP_X_REQUEST_ID="abc")
    assert_problem(response, 500)
    assert response.json() == {
        "type": "urn:connectify:problem:server-error",
        "title": "Internal Server Error",
        "status": 500,
        "request_id": "abc",
    }


def test_a_request_for_another_host_is_answered_with_a_problem(db):
    assert_problem(APIClient().get("/api/v1/timeline/", HTTP_HOST="evil.example"), 400)
    page = APIClient().get("/admin/", HTTP_HOST="evil.example")
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize("status", [400, 403, 404])
def test_errors_outside_the_views_are_problems_only_under_the_api(rf, status):
    handler = get_resolver().resolve_error_handler(status)
    inside, outside = (handler(rf.get(path), exception=Exception()) for path in ("/api/x", "/x"))
    assert (inside.status_code, inside["Content-Type"]) == (status, "application/problem+json")
    assert (outside.status_code, outside["Content-Type"]) == (status, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/api/docs/", "/api/schema/"])
def test_pages_that_are_not_json_have_problems_that_are(db, path):
    assert_problem(APIClient().post(path), 405)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["posts", "accounts/me", "posts/1"])
def test_a_path_without_its_slash_is_not_found(alice, method, path):
    assert_problem(getattr(client_of(alice), method)(f"/api/v1/{path}"), 404)


def test_an_admin_page_without_its_slash_is_redirected(admin_client):
    assert admin_client.get("/admin/social/user")["Location"] == "/admin/social/user/"


@pytest.mark.parametrize("path", ["/api/v1/accounts/me/", "/api/v1/nothing/", "/api/docs/?script="])
@pytest.mark.parametrize("cookie", ["csrftoken", "sessionid"])
def test_no_cookie_is_set_even_if_one_is_sent(db, path, cookie):
    client = APIClient()
    client.cookies[cookie] = "x"
    assert not client.get(path).cookies


@pytest.mark.django_db(transaction=True)
def test_a_post_that_is_deleted_while_it_is_edited_is_not_found(alice, post):
    client, answers = client_of(alice), []
    url = f"/api/v1/posts/{post.pk}/"

    def edit() -> None:
        answers.append(client.patch(url, {"content": "too late"}, format="json"))
        connection.close()

    editing = threading.Thread(target=edit)
    with transaction.atomic():
        posts.delete(post, now=timezone.now())
        editing.start()
        until(awaited_locks, 10)
    editing.join(10)
    assert_problem(answers[0], 404)


DELETED_MEANWHILE = """
    CREATE FUNCTION pg_temp.go() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN DELETE FROM notifications_pushsubscription WHERE id = NEW.id; RETURN NEW; END';
    CREATE TRIGGER gone AFTER UPDATE ON notifications_pushsubscription
        FOR EACH ROW EXECUTE FUNCTION pg_temp.go();
"""


def test_a_device_that_is_removed_while_it_is_tested_is_not_found(bob, broker):
    with_device(bob, timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(DELETED_MEANWHILE)
    device = PushSubscription.objects.get()
    assert_problem(client_of(bob).post(f"/api/v1/push/subscriptions/{device.pk}/test/"), 404)
