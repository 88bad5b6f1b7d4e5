import pytest

from events.models import OutboxEvent
from social import relations
from social.models import Block, Follow

pytestmark = pytest.mark.django_db


def events() -> list[str]:
    return list(OutboxEvent.objects.order_by("id").values_list("routing_key", flat=True))


def test_following_twice_is_one_follow_and_one_event(alice, carol, now):
    relations.follow(carol, alice, now=now)
    relations.follow(carol, alice, now=now)
    assert Follow.objects.filter(follower=carol, followee=alice).count() == 1
    assert events() == ["user.followed"]


def test_unfollowing_is_an_event_and_may_be_repeated(alice, bob):
    relations.unfollow(bob, alice)
    relations.unfollow(bob, alice)
    assert events() == ["user.followed", "user.unfollowed"]


def test_nobody_follows_themselves(alice, now):
    with pytest.raises(relations.RelationError):
        relations.follow(alice, alice, now=now)


def test_a_block_ends_the_follows_in_both_directions(alice, bob, now):
    relations.follow(alice, bob, now=now)
    relations.block(alice, bob, now=now)
    assert not Follow.objects.exists()
    assert events()[-3:] == ["user.blocked", "user.unfollowed", "user.unfollowed"]


@pytest.mark.parametrize("direction", ["blocker", "blocked"])
def test_nobody_follows_across_a_block(alice, carol, now, direction):
    relations.block(alice, carol, now=now)
    pair = (alice, carol) if direction == "blocker" else (carol, alice)
    with pytest.raises(relations.RelationError):
        relations.follow(*pair, now=now)
    relations.unblock(alice, carol)
    assert not Block.objects.exists()
    relations.follow(*pair, now=now)
