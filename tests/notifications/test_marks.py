"""What is seen, read or dismissed, and how many are unread."""

import pytest
from django.utils import timezone

from fanout import partitions
from notifications import listing, marks
from notifications.listing import Unread
from notifications.models import Notification, ReadMark
from social import posts, relations
from social.models import Post
from tests.notifications.test_listing import FIRST, notify, walk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_partitions(settings):
    settings.PARTITION_POSTS = 5


@pytest.fixture
def seven(alice, bob, now) -> list[int]:
    """The ids of seven posts, newest first, about which Bob has notifications."""
    return notify(bob, alice, range(FIRST, FIRST + 7), now)


def count(user, **options) -> Unread:
    return listing.count_unread(user, now=timezone.now(), **options)


def seen(user) -> list[int]:
    entries = listing.page(user, now=timezone.now()).entries
    return sorted((entry.post.pk for entry in entries if entry.seen), reverse=True)


def test_nothing_is_unread_for_a_user_without_notifications(carol, seven):
    assert count(carol) == Unread(0, 0, False)


def test_seen_notifications_stay_unread(bob, seven):
    assert count(bob) == Unread(7, 7, False)
    assert marks.mark_seen(bob, seven[2])
    assert count(bob) == Unread(7, 2, False)
    assert seen(bob) == seven[2:]
    assert walk(bob, unread=True) == [seven]


def test_read_notifications_are_seen(bob, seven, now):
    listing.mark_read(bob, seven[0], now=now)
    marks.mark_read(bob, seven[4])
    assert count(bob) == Unread(3, 3, False)
    assert seen(bob) == [seven[0], *seven[4:]]
    marks.mark_seen(bob, seven[3])
    assert count(bob) == Unread(3, 2, False)


def test_a_mark_of_what_is_seen_never_goes_back(bob, seven):
    for pk in (seven[1], seven[5]):
        assert marks.mark_seen(bob, pk)
    assert count(bob).unseen == 1


def test_a_notification_that_comes_below_the_mark_is_not_seen(bob, seven, now):
    Notification.objects.filter(post_id=seven[3]).delete()
    marks.mark_seen(bob, seven[0])
    assert count(bob) == Unread(6, 0, False)
    Notification.objects.create(recipient=bob, post_id=seven[3], created_at=now)
    assert count(bob) == Unread(7, 1, False)
    assert seven[3] not in seen(bob)
    marks.mark_seen(bob, seven[3])
    assert count(bob) == Unread(7, 0, False)


def test_the_two_marks_do_not_change_each_other(bob, seven):
    ReadMark.objects.create(user=bob, post_id=seven[5])  # Without a floor, as of old.
    marks.mark_seen(bob, seven[2])
    assert count(bob) == Unread(5, 2, False)
    marks.mark_read(bob, seven[3])
    assert count(bob) == Unread(3, 2, False)


def test_only_the_users_own_notifications_can_be_marked_as_seen(carol, seven):
    assert not marks.mark_seen(carol, seven[0])
    assert not ReadMark.objects.exists()


def test_a_dismissed_notification_is_in_neither_half_of_the_list(bob, carol, seven, now):
    listing.mark_read(bob, seven[6], now=now)
    for pk in (seven[0], seven[6], seven[0]):
        assert listing.dismiss(bob, pk, now=now)
    assert not listing.dismiss(carol, seven[1], now=now)
    assert walk(bob) == [seven[1:6]]
    assert walk(bob, size=2) == [seven[1:3], seven[3:5], [seven[5]]]
    assert count(bob) == Unread(5, 5, False)


def test_a_task_that_is_delivered_again_brings_back_no_dismissed_notification(bob, seven, now):
    listing.dismiss(bob, seven[0], now=now)
    again = Notification(recipient=bob, post_id=seven[0], created_at=now)
    Notification.objects.bulk_create([again], ignore_conflicts=True)
    assert walk(bob) == [seven[1:]]


def test_what_the_user_may_not_see_is_not_counted(alice, bob, seven, now):
    posts.delete(Post.objects.get(pk=seven[0]), now=now)
    assert count(bob) == Unread(6, 6, False)
    relations.mute(bob, alice, now=now)
    assert count(bob) == Unread(0, 0, False)


def test_at_most_so_many_are_counted(bob, seven):
    assert count(bob, most=6) == Unread(6, 6, True)
    assert count(bob, most=7) == Unread(7, 7, False)
    marks.mark_seen(bob, seven[1])
    assert count(bob, most=6) == Unread(6, 1, True)


def test_counting_takes_a_bounded_number_of_queries(alice, bob, now, django_assert_max_num_queries):
    """There are 300 partitions, and one row at each end."""
    notify(bob, alice, [FIRST, FIRST + 1_499], now)
    partitions.ensure(Notification._meta.db_table, range(FIRST, FIRST + 1_500, 5))
    # The marks, the partitions, the windows and the posts.
    with django_assert_max_num_queries(3 + listing.WINDOWS):
        assert count(bob) == Unread(1, 1, False)
    notify(bob, alice, range(FIRST + 1_500, FIRST + 1_560), now)
    with django_assert_max_num_queries(3 + listing.WINDOWS):
        assert count(bob) == Unread(61, 61, False)
