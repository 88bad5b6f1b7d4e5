from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from events.models import OutboxEvent
from social import accounts, erasure, posts, relations
from social.models import Block, Closure, Follow, Mute, Post
from tests.conftest import make_user
from tests.refusal import refused

pytestmark = pytest.mark.django_db


def deletions() -> int:
    return OutboxEvent.objects.filter(routing_key="post.deleted").count()


def test_what_a_closed_account_left_behind_is_erased(alice, bob, carol, now):
    written = [posts.publish(alice, f"post {number}", now=now) for number in range(5)]
    posts.delete(written[0], now=now)
    relations.follow(carol, alice, now=now)
    relations.follow(alice, carol, now=now)
    relations.mute(carol, alice, now=now)
    relations.block(alice, bob, now=now)
    accounts.close(alice, now=now)
    erasure.erase(alice.pk, now=now, batch=2)
    assert deletions() == 5
    # By this follow those who have a row of a post are found until they are swept.
    assert Follow.objects.filter(follower=carol, followee=alice).exists()
    erasure.erase_all(now=now + erasure.SETTLED * 2)
    assert set(Post.objects.values_list("content", flat=True)) == {""}
    assert not Post.objects.filter(deleted_at=None).exists()
    assert deletions() == 5
    assert [*Follow.objects.all(), *Block.objects.all(), *Mute.objects.all()] == []
    assert not Closure.objects.exists()


def test_a_request_that_was_under_way_leaves_nothing_either(alice, now):
    accounts.close(alice, now=now)
    erasure.erase_all(now=now)
    posts.publish(alice, "a late one", now=timezone.now())
    erasure.erase_all(now=now + erasure.SETTLED * 2)
    assert Post.objects.get().content == ""
    assert deletions() == 1


def test_others_are_left_alone(alice, bob, carol, post, now):
    accounts.close(carol, now=now)
    erasure.erase_all(now=now + erasure.SETTLED * 2)
    assert Post.objects.get().content == "Hello world!"
    assert Follow.objects.count() == 1


def test_closing_twice_makes_one_event(alice, now):
    for _ in range(2):
        accounts.close(alice, now=now)
    assert OutboxEvent.objects.filter(routing_key="user.closed").count() == 1


@pytest.fixture
def elsewhere(db):
    """A second connection, as another process has one."""
    other = connection.copy()
    yield other
    other.close()


@pytest.mark.django_db(transaction=True)
def test_an_account_whose_post_somebody_has_locked_holds_up_no_other(alice, carol, now, elsewhere):
    locked, free = (posts.publish(alice, "mine", now=now) for _ in range(2))
    other = posts.publish(carol, "hers", now=now)
    accounts.close(alice, now=now)
    accounts.close(carol, now=now + timedelta(seconds=1))
    later = now + erasure.SETTLED * 2
    elsewhere.set_autocommit(False)
    with elsewhere.cursor() as cursor:
        cursor.execute("SELECT FROM social_post WHERE id = %s FOR UPDATE", [locked.pk])
    erasure.erase_all(now=later)
    words = dict(Post.objects.values_list("pk", "content"))
    assert words == {locked.pk: "mine", free.pk: "", other.pk: ""}
    assert Closure.objects.get().user_id == alice.pk
    elsewhere.rollback()
    erasure.erase_all(now=later)
    assert set(Post.objects.values_list("content", flat=True)) == {""}
    assert not Closure.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_account_that_cannot_be_erased_goes_behind_the_others(alice, bob, carol, now):
    for user in (alice, bob, carol):
        posts.publish(user, "words", now=now)
        accounts.close(user, now=now)
    with refused("social_post", unless=f"author_id <> {alice.pk} OR content <> ''"):
        erasure.erase_all(now=now + erasure.SETTLED * 2)
    assert Closure.objects.get().user_id == alice.pk
    dave = make_user("dave")
    accounts.close(dave, now=now)
    order = Closure.objects.order_by(F("tried_at").asc(nulls_first=True))
    assert list(order.values_list("user_id", flat=True)) == [dave.pk, alice.pk]
