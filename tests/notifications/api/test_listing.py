from uuid import uuid4

import pytest

from fanout.slices import END, Slice
from notifications import preferences
from notifications.delivery import claims
from social import posts
from social.api import paging
from tests.api import assert_problem, client_of
from tests.notifications.people import with_device

pytestmark = pytest.mark.django_db
NOTIFICATIONS = "/api/v1/notifications/"


@pytest.fixture
def three(alice, bob, now) -> list:
    """Three posts about which Bob has notifications, newest first. The two newest were not
    pushed."""
    with_device(bob, now)
    made = [posts.publish(alice, f"post {n}", now=now) for n in range(3)]
    for post in made:
        claims.claim([Slice(post.pk, 0, END)], {post.pk: post}, task=uuid4(), now=now)
        preferences.silence(bob, alice, now=now)
    return made[::-1]


def shown(response) -> list[int]:
    assert response.status_code == 200, response.content
    return [each["post"]["id"] for each in response.json()["results"]]


def test_the_list_has_pushed_and_suppressed_notifications(alice, bob, three):
    answer = client_of(bob).get(NOTIFICATIONS).json()
    assert answer["next"] is None
    assert [each["held"] for each in answer["results"]] == ["author", "author", None]
    assert answer["results"][2] == {
        "post": {
            "id": three[2].pk,
            "author": {"id": alice.pk, "username": "alice"},
            "content": "post 0",
            "created_at": "2026-01-15T10:30:00Z",
            "edited_at": None,
        },
        "created_at": "2026-01-15T10:30:00Z",
        "read": False,
        "seen": False,
        "held": None,
    }


def test_the_list_is_read_page_by_page(bob, three):
    client = client_of(bob)
    seen, url = [], f"{NOTIFICATIONS}?limit=2"
    while url:
        response = client.get(url)
        seen.append(shown(response))
        url = response.json()["next"]
    assert seen == [[three[0].pk, three[1].pk], [three[2].pk]]


def test_read_notifications_are_left_out_of_the_unread_list(bob, three):
    client = client_of(bob)
    for _ in range(2):
        assert client.put(f"{NOTIFICATIONS}{three[0].pk}/read/").status_code == 204
    unread = f"{NOTIFICATIONS}?unread=true"
    assert shown(client.get(unread)) == [three[1].pk, three[2].pk]
    answer = client.post(f"{NOTIFICATIONS}read/", {"up_to": three[1].pk}, format="json")
    assert answer.status_code == 204
    assert shown(client.get(unread)) == []
    assert [each["read"] for each in client.get(NOTIFICATIONS).json()["results"]] == [True] * 3
    assert shown(client.get(f"{NOTIFICATIONS}?unread=false")) == [post.pk for post in three]


def test_unread_notifications_come_first(bob, three):
    client = client_of(bob)
    client.put(f"{NOTIFICATIONS}{three[0].pk}/read/")
    first = client.get(f"{NOTIFICATIONS}?limit=2")
    assert shown(first) == [three[1].pk, three[2].pk]
    client.put(f"{NOTIFICATIONS}{three[1].pk}/read/")
    second = client.get(first.json()["next"])
    assert shown(second) == [three[0].pk]
    assert second.json()["next"] is None
    assert shown(client.get(NOTIFICATIONS)) == [three[2].pk, three[0].pk, three[1].pk]


def test_only_ones_own_notifications_can_be_marked(carol, three):
    client = client_of(carol)
    assert_problem(client.put(f"{NOTIFICATIONS}{three[0].pk}/read/"), 404)
    answer = client.post(f"{NOTIFICATIONS}read/", {"up_to": three[0].pk}, format="json")
    assert_problem(answer, 400, "up_to")


@pytest.mark.parametrize("mark", ["read", "seen"])
@pytest.mark.parametrize("up_to", [None, 0, -1, 2**62, 2**63, 10**400, "x"])
def test_an_invalid_mark_is_refused(bob, mark, up_to):
    answer = client_of(bob).post(f"{NOTIFICATIONS}{mark}/", {"up_to": up_to}, format="json")
    assert_problem(answer, 400, "up_to")


ODD = [
    *((f"cursor={cursor}", "cursor") for cursor in ("", "5", "%00", paging.encode(5))),
    *(("limit=x", "limit"), ("unread=maybe", "unread")),
]


@pytest.mark.parametrize(("query", "field"), ODD)
def test_invalid_parameters_are_refused(bob, query, field):
    assert_problem(client_of(bob).get(f"{NOTIFICATIONS}?{query}"), 400, field)


def test_notifications_need_a_login(client, three):
    assert_problem(client.get(NOTIFICATIONS), 401)


COUNT = f"{NOTIFICATIONS}unread-count/"
SEEN = f"{NOTIFICATIONS}seen/"


def test_the_badge_is_emptied_by_seeing_and_the_count_by_reading(
    bob, three, django_assert_num_queries
):
    client = client_of(bob)
    assert client.get(COUNT).json() == {"count": 3, "unseen": 3, "more": False}
    for _ in range(2):
        assert client.post(SEEN, {"up_to": three[1].pk}, format="json").status_code == 204
    # The token, the marks, the partitions, the window, the posts.
    with django_assert_num_queries(5):
        assert client.get(COUNT).json() == {"count": 3, "unseen": 1, "more": False}
    entries = client.get(NOTIFICATIONS).json()["results"]
    assert [(entry["seen"], entry["read"]) for entry in entries] == [
        (False, False),
        (True, False),
        (True, False),
    ]
    client.put(f"{NOTIFICATIONS}{three[0].pk}/read/")
    assert client.get(COUNT).json() == {"count": 2, "unseen": 0, "more": False}


def test_a_dismissed_notification_leaves_the_list(bob, carol, three):
    client, url = client_of(bob), f"{NOTIFICATIONS}{three[1].pk}/"
    for _ in range(2):
        assert client.delete(url).status_code == 204
    assert shown(client.get(NOTIFICATIONS)) == [three[0].pk, three[2].pk]
    assert client.get(COUNT).json()["count"] == 2
    assert_problem(client_of(carol).delete(url), 404)
    assert_problem(client.delete(f"{NOTIFICATIONS}{2**62}/"), 404)
