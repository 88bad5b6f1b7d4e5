from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Delivery, Held
from social import partitions, posts, relations
from social.models import Follow
from social.slices import END, Slice
from tests.api import assert_problem, client_of
from tests.conftest import make_user
from timelines import fanout

pytestmark = pytest.mark.django_db


@pytest.fixture
def followers(alice):
    """Ten people who follow Alice, of whom one stays away."""
    users = [make_user(f"follower-{number}") for number in range(10)]
    for user in users:
        relations.follow(user, alice, now=timezone.now())
    Follow.objects.filter(follower=users[0]).update(dormant=True)
    return users


@pytest.fixture
def pushes(post, followers):
    """Four pushes that were sent after 1 to 4 seconds, and some that were not."""
    partitions.ensure(Delivery._meta.db_table, [post.pk])
    states = [*["sent"] * 4, "held", "retrying", "refused", "refused"]
    Delivery.objects.bulk_create(
        Delivery(
            post=post,
            subscription_id=number,
            recipient_id=followers[number].pk,
            state=state,
            attempts=1,
            reason=Held.AUTHOR if state == "held" else "",
            created_at=post.created_at,
            claimed_by=uuid4(),
            settled_at=post.created_at + timedelta(seconds=number + 1),
        )
        for number, state in enumerate(states)
    )


def delivery(user, post, status: int = 200) -> dict:
    response = client_of(user).get(f"/api/v1/posts/{post.pk}/delivery/")
    assert response.status_code == status, response.content
    return response.json()


def test_before_the_fan_out_everything_is_expected_and_nothing_written(alice, post, followers):
    assert delivery(alice, post) == {
        "followers": 10,
        "timelines": {"written": 0, "expected": 9},
        "pushes": dict.fromkeys(Delivery.State.values, 0),
        "push_latency_ms": {"p50": None, "p95": None, "p99": None},
    }


def test_what_is_written_and_what_is_missing_add_up(alice, post, followers, now):
    fanout.write([Slice(post.pk, 0, followers[3].pk)], now=now)
    assert delivery(alice, post)["timelines"] == {"written": 3, "expected": 9}
    fanout.write([Slice(post.pk, followers[3].pk, END)], now=now)
    # Who begins to follow, or goes, later changes nothing about what was written.
    relations.unfollow(followers[5], alice)
    assert delivery(alice, post)["timelines"] == {"written": 9, "expected": 9}
    assert delivery(alice, post)["followers"] == 9


def test_pushes_are_told_by_state_with_the_latency_of_those_sent(alice, post, pushes):
    told = delivery(alice, post)
    wanted = dict.fromkeys(Delivery.State.values, 0)
    assert told["pushes"] == wanted | {"sent": 4, "held": 1, "retrying": 1, "refused": 2}
    assert told["push_latency_ms"] == {"p50": 2000, "p95": 4000, "p99": 4000}


def test_nobody_but_the_author_sees_it(bob, post, followers):
    response = client_of(bob).get(f"/api/v1/posts/{post.pk}/delivery/")
    assert_problem(response, 404)


def test_a_deleted_post_has_none(alice, post, now):
    posts.delete(post, now=now)
    delivery(alice, post, 404)


def test_the_number_of_queries_does_not_depend_on_the_audience(alice, post, followers, pushes, now):
    client = client_of(alice)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"/api/v1/posts/{post.pk}/delivery/").status_code == 200
        return len(queries)

    count()
    before = count()
    fanout.write([Slice(post.pk, 0, followers[3].pk)], now=now)
    fanout.write([Slice(post.pk, followers[5].pk, END)], now=now)
    assert count() == before <= 8
