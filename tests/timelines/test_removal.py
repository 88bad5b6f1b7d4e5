from datetime import timedelta

import pytest

from fanout.slices import END, Slice
from social import accounts, erasure, posts, relations
from tests.conftest import make_user
from timelines import fanout, removal
from timelines.models import TimelineEntry

pytestmark = pytest.mark.django_db


def test_rows_of_a_large_audience_are_removed_slice_by_slice(
    alice, bob, post, now, settings, django_assert_num_queries
):
    settings.TIMELINE_TASK_ROWS = 2
    for number in range(4):
        relations.follow(make_user(f"follower-{number}"), alice, now=now)
    kept = posts.publish(alice, "kept", now=now)
    for one in (post, kept):
        fanout.write([Slice(one.pk, 0, END)], now=now)
    posts.delete(post, now=now)
    # The horizon and the deleted posts; the author's lock in a savepoint; two, two and one
    # followers, and an empty last slice.
    with django_assert_num_queries(2 + 3 + 4):
        assert removal.remove_posts([post.pk]) == 5
    assert set(TimelineEntry.objects.values_list("post_id", flat=True)) == {kept.pk}


def test_rows_of_a_closed_account_are_removed_before_its_follows_are_erased(alice, bob, post, now):
    fanout.write([Slice(post.pk, 0, END)], now=now)
    accounts.close(alice, now=now)
    erasure.erase_all(now=now + timedelta(seconds=30))
    assert removal.remove_posts([post.pk]) == 1
    assert not TimelineEntry.objects.exists()
