import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from events.models import OutboxEvent
from social import idempotency, posts
from social.api import shapes
from social.models import IdempotencyKey, Post
from social.overload import MEASURE_SECONDS, Gauge, OverloadedError
from tests.api import assert_problem, client_of

POSTS = "/api/v1/posts/"


def post(client, content: str = "hello", key: str | None = "key-1"):
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post(POSTS, {"content": content}, format="json", headers=headers)


@pytest.mark.django_db
def test_the_same_key_and_body_give_the_first_answer(alice):
    client = client_of(alice)
    first, second = post(client), post(client)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Post.objects.count() == OutboxEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_repeated_request_gets_the_first_answer_also_after_an_edit(alice):
    client = client_of(alice)
    first = post(client).json()
    client.patch(f"{POSTS}{first['id']}/", {"content": "changed"}, format="json")
    assert post(client).json() == first


@pytest.mark.django_db
def test_a_repeated_request_for_a_deleted_post_creates_no_second_post(alice):
    client = client_of(alice)
    first = post(client).json()
    client.delete(f"{POSTS}{first['id']}/")
    again = post(client)
    assert_problem(again, 404)
    assert b"hello" not in again.content
    assert Post.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_refused(alice):
    client = client_of(alice)
    post(client)
    assert_problem(post(client, "something else"), 422)
    assert Post.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_of_two_users_gives_two_posts(alice, carol):
    assert post(client_of(alice)).json()["id"] != post(client_of(carol)).json()["id"]


@pytest.mark.django_db
def test_a_key_is_forgotten_after_a_day(alice):
    client = client_of(alice)
    post(client)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert "Idempotent-Replayed" not in post(client)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.prune(now=timezone.now()) == 1


@pytest.mark.django_db
def test_without_a_key_each_request_creates_a_post(alice):
    client = client_of(alice)
    post(client, key=None)
    post(client, key=None)
    assert Post.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_odd_key_is_refused(alice, key):
    assert_problem(post(client_of(alice), key=key), 400, "Idempotency-Key")


@pytest.mark.django_db(transaction=True)
def test_a_key_in_progress_is_a_conflict(alice):
    working, release = threading.Event(), threading.Event()

    def slow() -> dict:
        working.set()
        release.wait(10)
        return shapes.post(posts.publish(alice, "hello", now=timezone.now()))

    def first_request():
        idempotency.once(alice, "key-1", b"hello", slow, now=timezone.now())
        connection.close()

    first = threading.Thread(target=first_request)
    first.start()
    working.wait(10)
    assert_problem(post(client_of(alice)), 409)
    release.set()
    first.join(10)
    assert post(client_of(alice)).json()["id"] == Post.objects.get().pk


@pytest.mark.django_db
def test_too_many_pending_events_refuse_posts(alice, settings):
    client = client_of(alice)
    assert post(client, key=None).status_code == 201
    settings.OVERLOAD_PENDING_EVENTS = 0
    with pytest.raises(OverloadedError):
        Gauge().check()
    settings.OVERLOAD_PENDING_EVENTS = 1
    Gauge().check()


@pytest.mark.django_db
def test_replays_that_are_not_due_yet_do_not_count_as_pending(alice, settings):
    """More events than the limit, but due in an hour: the gauge counts as `lag` does."""
    client = client_of(alice)
    assert post(client, key=None).status_code == 201
    OutboxEvent.objects.update(due_at=timezone.now() + timedelta(hours=1))
    settings.OVERLOAD_PENDING_EVENTS = 0
    Gauge().check()
    OutboxEvent.objects.update(due_at=timezone.now())
    with pytest.raises(OverloadedError):
        Gauge().check()


@pytest.mark.django_db
def test_a_full_disk_refuses_posts(settings):
    settings.OVERLOAD_FREE_DISK = 1.0
    with pytest.raises(OverloadedError, match="disk"):
        Gauge().check()


@pytest.mark.django_db
def test_one_measurement_serves_for_a_while(settings, django_assert_num_queries):
    clock = [100.0]
    gauge = Gauge(lambda: clock[0])
    with django_assert_num_queries(2):
        for _ in range(10):
            gauge.check()
    clock[0] += MEASURE_SECONDS
    with django_assert_num_queries(1):
        gauge.check()


@pytest.mark.django_db
def test_an_overloaded_server_says_when_to_retry(alice, settings, monkeypatch):
    settings.OVERLOAD_FREE_DISK = 1.0
    monkeypatch.setattr("social.api.posts.gauge", Gauge())
    client = client_of(alice)
    response = post(client)
    assert_problem(response, 503)
    assert response["Retry-After"] == "30"
    assert not Post.objects.exists()
    assert client.get("/api/v1/timeline/").status_code == 200


@pytest.mark.django_db
def test_without_a_database_connection_the_answer_is_503(alice):
    client = client_of(alice)

    def refuse(execute, sql, params, many, context):
        raise OperationalError("remaining connection slots are reserved")

    with connection.execute_wrapper(refuse):
        response = post(client)
    assert_problem(response, 503)
    assert response["Retry-After"] == "5"
