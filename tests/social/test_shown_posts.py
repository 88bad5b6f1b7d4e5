import pytest

from social import accounts, posts, shown_posts
from social.api import shapes

pytestmark = pytest.mark.django_db


def test_posts_come_in_the_given_order_and_look_like_the_model(alice, bob, now):
    first, second, third = (posts.publish(who, "hi", now=now) for who in (alice, bob, alice))
    posts.edit(second, "hi again", now=now)
    second.refresh_from_db()
    found = shown_posts.read([second.pk, third.pk, first.pk])
    assert [shapes.post(post) for post in found] == [shapes.post(p) for p in (second, third, first)]


def test_deleted_posts_and_posts_of_closed_accounts_are_left_out(alice, bob, now):
    kept, deleted, closed = (posts.publish(who, "hi", now=now) for who in (alice, alice, bob))
    posts.delete(deleted, now=now)
    accounts.close(bob, now=now)
    assert [post.pk for post in shown_posts.read([kept.pk, deleted.pk, closed.pk])] == [kept.pk]
    assert shown_posts.read([]) == []
