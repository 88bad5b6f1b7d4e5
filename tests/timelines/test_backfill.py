import pytest

from fanout.slices import END, Slice
from social import posts, relations
from timelines import backfill, fanout, removal
from timelines.models import TimelineEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(alice, now) -> list[int]:
    return [posts.publish(alice, f"post {number}", now=now).pk for number in range(4)]


def timeline(user) -> list[int]:
    return list(
        TimelineEntry.objects.filter(owner=user)
        .order_by("post_id")
        .values_list("post_id", flat=True)
    )


def test_a_new_follower_gets_the_latest_posts(alice, carol, written, now, settings):
    settings.TIMELINE_BACKFILL_POSTS = 3
    relations.follow(carol, alice, now=now)
    backfill.refresh(carol.pk, [alice.pk])
    backfill.refresh(carol.pk, [alice.pk])
    assert timeline(carol) == written[-3:]


def test_after_an_unfollow_no_rows_are_left(alice, bob, written, now):
    fanout.write([Slice(pk, 0, END) for pk in written], now=now)
    relations.unfollow(bob, alice)
    backfill.refresh(bob.pk, [alice.pk])
    assert timeline(bob) == []


def test_events_handled_in_the_wrong_order_end_in_the_right_state(alice, carol, written, now):
    relations.follow(carol, alice, now=now)
    relations.unfollow(carol, alice)
    for _ in range(2):  # Both events lead to the same call, whichever comes first.
        backfill.refresh(carol.pk, [alice.pk])
        assert timeline(carol) == []


def test_deleted_posts_are_not_filled_in(alice, carol, written, now):
    relations.follow(carol, alice, now=now)
    posts.delete(alice.posts.get(pk=written[1]), now=now)
    backfill.refresh(carol.pk, [alice.pk])
    assert written[1] not in timeline(carol)


def test_rows_of_a_deleted_post_are_swept_and_no_others(alice, bob, written, now):
    fanout.write([Slice(pk, 0, END) for pk in written], now=now)
    posts.delete(alice.posts.get(pk=written[0]), now=now)
    assert removal.remove_posts(written) == 1
    assert timeline(bob) == written[1:]
