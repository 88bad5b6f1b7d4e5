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


def test_the_data_of_a_closed_account_is_erased(alice, bob, carol, now):
    written = [posts.publish(alice, f"post {number}", now=now) for number in range(5)]
    posts.delete(written[0], now=now)
    relations.follow(carol, alice, now=now)
    relations.follow(alice, carol, now=now)
    relations.mute(carol, alice, now=now)
    relations.block(alice, bob, now=now)
    accounts.close(alice, now=now)
    erasure.erase(alice.pk, now=now, batch=2)
    assert deletions() == 5
    # This follow stays for a while: it leads to the timeline rows that are still to be removed.
    assert Follow.objects.filter(follower=carol, followee=alice).exists()
    erasure.erase_all(now=now + erasure.SETTLED * 2)
    assert set(Post.objects.values_list("content", flat=True)) == {""}
    assert not Post.objects.filter(deleted_at=None).exists()
    assert deletions() == 5
    assert [*Follow.objects.all(), *Block.objects.all(), *Mute.objects.all()] == []
    assert not Closure.objects.exists()


def test_a_post_of_a_request_that_was_running_is_erased_too(alice, now):
    accounts.close(alice, now=now)
    erasure.erase_all(now=now)
    posts.publish(alice, "a late one", now=timezone.now())
    erasure.erase_all(now=now + erasure.SETTLED * 2)
    assert Post.objects.get().content == ""
    assert deletions() == 1


def test_data_of_other_accounts_is_not_erased(alice, bob, carol, post, now):
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
    """A second connection, like that of another process."""
    other = connection.copy()
    yield other
    other.close()


@pytest.mark.django_db(transaction=True)
def test_an_account_with_a_locked_post_holds_up_no_other(alice, carol, now, elsewhere):
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
def test_an_account_that_cannot_be_erased_is_retried_after_the_others(alice, bob, carol, now):
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
