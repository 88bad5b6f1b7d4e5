import random

import pytest
from django.core import signing

from fanout.slices import END, Slice
from social import posts
from tests.api import assert_problem, client_of
from timelines import fanout, forward
from timelines.api import cursors

pytestmark = pytest.mark.django_db
TIMELINE = "/api/v1/timeline/"


@pytest.fixture
def written(alice, bob, now) -> list[int]:
    ids = [posts.publish(alice, f"post {number}", now=now).pk for number in range(7)]
    fanout.write([Slice(pk, 0, END) for pk in ids], now=now)
    return ids[::-1]


def ids(answer) -> list[int]:
    return [post["id"] for post in answer["results"]]


def test_a_timeline_is_read_page_by_page(bob, written):
    client = client_of(bob)
    seen, url = [], f"{TIMELINE}?limit=3"
    while url:
        answer = client.get(url).json()
        seen += ids(answer)
        url = answer["older"]
    assert seen == written


def test_new_posts_are_read_by_the_newer_link(alice, bob, written, now):
    client = client_of(bob)
    newer = client.get(TIMELINE).json()["newer"]
    answer = client.get(newer).json()
    assert ids(answer) == []
    post = posts.publish(alice, "late", now=now)
    fanout.write([Slice(post.pk, 0, END)], now=now)
    # The link of the empty page still works.
    assert ids(client.get(answer["newer"]).json()) == [post.pk]


def test_a_link_that_holds_many_ids_fits_into_a_request_line(bob):
    ids = sorted(random.Random(1).sample(range(10**9, 10**9 + 10**6), forward.AHEAD + 50))
    cursor = cursors.encode(ids)
    assert cursors.decode("after", cursor) == ids
    assert len(cursor) < 2_000


def test_posts_are_shown_with_their_authors(alice, bob, written):
    first = client_of(bob).get(TIMELINE).json()["results"][0]
    assert first == {
        "id": written[0],
        "author": {"id": alice.pk, "username": "alice"},
        "content": "post 6",
        "created_at": "2026-01-15T10:30:00Z",
        "edited_at": None,
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("before=5", "before"),
        ("after=x:y", "after"),
        ("before=%00", "before"),
        ("before=" + "x" * 5_000, "before"),
        ("before=" + signing.Signer(salt="other").sign_object(5), "before"),
        ("limit=1.5", "limit"),
        ("limit=x", "limit"),
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("limit=²", "limit"),
    ],
)
def test_forged_cursors_and_odd_limits_are_refused(bob, query, field):
    assert_problem(client_of(bob).get(f"{TIMELINE}?{query}"), 400, field)


def test_a_page_is_never_longer_than_fifty(bob, written):
    assert client_of(bob).get(f"{TIMELINE}?limit=50").status_code == 200


def test_a_timeline_is_refused_without_a_token(written, client):
    assert_problem(client.get(TIMELINE), 401)


def test_links_lead_to_the_neighbouring_pages(bob, written):
    first = client_of(bob).get(f"{TIMELINE}?limit=2")
    older, newer = first.json()["older"], first.json()["newer"]
    assert first["Link"] == f'<{older}>; rel="next", <{newer}>; rel="prev"'
