from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fanout import partitions
from fanout.slices import END, Slice
from notifications.models import Delivery, Held
from social import posts, relations
from social.models import Follow, User
from tests.api import assert_problem, client_of
from tests.conftest import make_user
from timelines import fanout

pytestmark = pytest.mark.django_db


@pytest.fixture
def followers(alice):
    """Fourteen followers of Alice, one of them dormant."""
    users = [make_user(f"follower-{number}") for number in range(14)]
    for user in users:
        relations.follow(user, alice, now=timezone.now())
    Follow.objects.filter(follower=users[0]).update(dormant=True)
    return users


@pytest.fixture
def pushes(post, followers):
    """Four pushes that were sent after 1 to 4 seconds, and six that were not sent."""
    partitions.ensure(Delivery._meta.db_table, [post.pk])
    states = [*["sent"] * 4, "held", "retrying", *["refused"] * 4]
    for number, state in enumerate(states):
        push(post, followers[number], number, state)


def push(post, recipient, device: int, state: str = "sent") -> None:
    """A push that was settled after one second more than the number of its device."""
    partitions.ensure(Delivery._meta.db_table, [post.pk])
    Delivery.objects.create(
        post=post,
        subscription_id=device,
        recipient_id=recipient.pk,
        state=state,
        attempts=1,
        reason=Held.AUTHOR if state == "held" else "",
        created_at=post.created_at,
        claimed_by=uuid4(),
        settled_at=post.created_at + timedelta(seconds=device + 1),
    )


def delivery(user, post, status: int = 200) -> dict:
    response = client_of(user).get(f"/api/v1/posts/{post.pk}/delivery/")
    assert response.status_code == status, response.content
    return response.json()


NO_FIGURES = {"timelines": None, "pushes": None, "push_latency_ms": None}


def test_before_the_fan_out_everything_is_expected_and_nothing_written(alice, post, followers):
    assert delivery(alice, post) == NO_FIGURES | {
        "state": "under way",
        "followers": 14,
        "timelines": {"written": 0, "expected": 13},
    }


@pytest.mark.parametrize("stays_away", [False, True])
def test_an_author_with_few_followers_sees_only_that_the_post_is_delivered(
    alice, bob, post, now, stays_away
):
    """The answer is the same whether or not Bob sleeps, is dormant, or has a device."""
    Follow.objects.update(dormant=stays_away)
    assert delivery(alice, post) == NO_FIGURES | {"state": "under way", "followers": 1}
    fanout.write([Slice(post.pk, 0, END)], now=now)
    shown = NO_FIGURES | {"state": "delivered", "followers": 1}
    assert delivery(alice, post) == shown
    if not stays_away:
        push(post, bob, 1, state="held")
        assert delivery(alice, post) == shown


def test_figures_are_shown_from_the_number_of_people_in_the_setting(
    alice, post, followers, pushes, now, settings
):
    fanout.write([Slice(post.pk, 0, END)], now=now)
    settings.FIGURES_FROM = 11
    # Thirteen timelines, pushes to ten people, two of whom have another device.
    for user in followers[:2]:
        push(post, user, 100 + user.pk)
    shown = delivery(alice, post)
    assert (shown["timelines"], shown["pushes"]) == ({"written": 13, "expected": 13}, None)
    settings.FIGURES_FROM = 10
    assert delivery(alice, post)["pushes"]["sent"] == 6
    settings.FIGURES_FROM = 14
    assert delivery(alice, post) == NO_FIGURES | {"state": "delivered", "followers": 14}


def test_an_operator_sees_all_figures_of_any_post(alice, bob, carol, post, now):
    fanout.write([Slice(post.pk, 0, END)], now=now)
    push(post, bob, 1, state="held")
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    delivery(carol, post, 404)
    carol.groups.add(Group.objects.get(name="viewer"))
    shown = delivery(carol, post)
    assert shown["timelines"] == {"written": 1, "expected": 1}
    assert shown["pushes"]["held"] == 1
    posts.delete(post, now=now)
    delivery(carol, post, 404)


def test_expected_is_the_sum_of_written_and_missing(alice, post, followers, now):
    fanout.write([Slice(post.pk, 0, followers[3].pk)], now=now)
    assert delivery(alice, post)["timelines"] == {"written": 3, "expected": 13}
    assert delivery(alice, post)["state"] == "under way"
    fanout.write([Slice(post.pk, followers[3].pk, END)], now=now)
    # Later follows and unfollows do not change the number of rows that were written.
    relations.unfollow(followers[5], alice)
    assert delivery(alice, post)["timelines"] == {"written": 13, "expected": 13}
    assert delivery(alice, post)["followers"] == 13
    assert delivery(alice, post)["state"] == "delivered"


def test_pushes_are_shown_by_state_with_the_latency_of_sent_ones(alice, post, pushes):
    shown = delivery(alice, post)
    wanted = dict.fromkeys(Delivery.State.values, 0)
    assert shown["pushes"] == wanted | {"sent": 4, "held": 1, "retrying": 1, "refused": 4}
    assert shown["push_latency_ms"] == {"p50": 2000, "p95": 4000, "p99": 4000}


def test_nobody_but_the_author_sees_the_delivery(bob, post, followers):
    response = client_of(bob).get(f"/api/v1/posts/{post.pk}/delivery/")
    assert_problem(response, 404)


def test_a_deleted_post_has_no_delivery(alice, post, now):
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
