from collections.abc import Iterator
from itertools import chain

import pytest
from django.utils import timezone

from fanout import partitions
from notifications import listing, marks
from notifications.models import Notification, ReadMark
from social import posts, relations
from social.models import Post

pytestmark = pytest.mark.django_db
FIRST = 20_000_000  # The start of a partition; no other test creates partitions near it.


@pytest.fixture(autouse=True)
def _small_partitions(settings):
    settings.PARTITION_POSTS = 5


def notify(user, author, ids, now) -> list[int]:
    """Create posts with these ids and notifications about them. Returns the ids, newest first."""
    Post.objects.bulk_create(
        Post(pk=pk, author=author, content=f"post {pk}", created_at=now) for pk in ids
    )
    partitions.ensure(Notification._meta.db_table, ids)
    Notification.objects.bulk_create(
        Notification(recipient=user, post_id=pk, created_at=now) for pk in ids
    )
    return sorted(ids, reverse=True)


@pytest.fixture
def twelve(alice, bob, now) -> list[int]:
    """The ids of twelve posts, in three partitions, about which Bob has notifications."""
    return notify(bob, alice, range(FIRST, FIRST + 12), now)


def ids(page: listing.Page) -> list[int]:
    return [entry.post.pk for entry in page.entries]


def walk(user, **options) -> list[list[int]]:
    return [ids(page) for page in pages(user, **options)]


def pages(user, **options) -> Iterator[listing.Page]:
    page = listing.page(user, now=timezone.now(), **options)
    yield page
    while page.next:
        page = listing.page(user, now=timezone.now(), at=page.next, **options)
        yield page


def test_pages_follow_each_other_without_gap_or_repeat(bob, twelve):
    assert walk(bob, size=5) == [twelve[:5], twelve[5:10], twelve[10:]]


def test_a_full_last_page_says_that_nothing_follows(bob, twelve):
    assert walk(bob, size=12) == [twelve]


def test_a_user_without_notifications_has_an_empty_list(carol, twelve):
    assert walk(carol) == [[]]


def test_deleted_muted_and_blocked_posts_are_left_out(alice, bob, carol, twelve, now):
    by_carol = notify(bob, carol, [FIRST + 12], now)
    posts.delete(Post.objects.get(pk=twelve[0]), now=now)
    assert walk(bob) == [by_carol + twelve[1:]]
    relations.mute(bob, alice, now=now)
    assert walk(bob) == [by_carol]
    relations.block(bob, carol, now=now)
    assert walk(bob) == [[]]


def test_posts_of_an_author_who_blocks_the_user_are_left_out(alice, bob, twelve, now):
    relations.block(alice, bob, now=now)
    assert walk(bob) == [[]]


def read(user) -> list[int]:
    """The ids of all read notifications."""
    return [entry.post.pk for page in pages(user) for entry in page.entries if entry.read]


def test_a_single_notification_is_marked_as_read(bob, carol, twelve, now):
    assert listing.mark_read(bob, twelve[3], now=now)
    assert listing.mark_read(bob, twelve[3], now=now)
    assert not listing.mark_read(carol, twelve[3], now=now)
    assert read(bob) == [twelve[3]]
    assert walk(bob, unread=True, size=5) == [
        [pk for pk in twelve[:6] if pk != twelve[3]],
        twelve[6:11],
        twelve[11:],
    ]


def test_unread_notifications_come_first_and_each_half_newest_first(bob, twelve, now):
    marks.mark_read(bob, twelve[8])
    for pk in twelve[1:6:2]:
        listing.mark_read(bob, pk, now=now)
    unread = [pk for pk in twelve[:8] if pk not in twelve[1:6:2]]
    whole = unread + twelve[1:6:2] + twelve[8:]
    assert walk(bob) == [whole]
    # The page sizes make pages end within a half, at its end, and after it.
    for size in range(1, 13):
        assert [*chain(*walk(bob, size=size))] == whole
    assert [*chain(*walk(bob, unread=True, size=2))] == unread


def test_marking_while_paging_repeats_and_leaves_out_nothing(bob, twelve, now):
    listing.mark_read(bob, twelve[4], now=now)
    seen = []
    for page in pages(bob, size=3):
        seen += ids(page)
        # The client marks what it shows; meanwhile another device marks everything.
        for pk in ids(page):
            listing.mark_read(bob, pk, now=timezone.now())
        if len(seen) == 6:
            marks.mark_read(bob, twelve[0])
    assert seen == [pk for pk in twelve if pk != twelve[4]] + [twelve[4]]


def test_all_notifications_up_to_one_are_marked_as_read(bob, carol, twelve):
    assert marks.mark_read(bob, twelve[3])
    assert read(bob) == twelve[3:]
    assert walk(bob, unread=True) == [twelve[:3]]
    # A later mark at an older post makes nothing unread again.
    assert marks.mark_read(bob, twelve[8])
    assert walk(bob, unread=True) == [twelve[:3]]
    assert not marks.mark_read(carol, twelve[0])


def test_a_notification_that_comes_below_the_mark_is_unread(alice, bob, twelve, now):
    absent = twelve[2::4]
    Notification.objects.filter(post_id__in=absent).delete()
    there = [pk for pk in twelve if pk not in absent]
    marks.mark_read(bob, there[1])
    assert read(bob) == there[1:]
    Notification.objects.bulk_create(
        Notification(recipient=bob, post_id=pk, created_at=now) for pk in absent
    )
    assert read(bob) == there[1:]
    for size in range(1, 13):
        assert [*chain(*walk(bob, size=size))] == [there[0], *absent, *there[1:]]
        assert [*chain(*walk(bob, size=size, unread=True))] == [there[0], *absent]
    # A mark at an older post does not mark those that came late; a mark at one of them does.
    marks.mark_read(bob, there[-1])
    assert walk(bob, unread=True) == [[there[0], *absent]]
    marks.mark_read(bob, absent[0])
    assert walk(bob, unread=True) == [[there[0]]]


def test_a_notification_that_comes_while_paging_changes_no_later_page(alice, bob, twelve, now):
    Notification.objects.filter(post_id=twelve[4]).delete()
    marks.mark_read(bob, twelve[0])
    following = pages(bob, size=3)
    seen = ids(next(following))
    Notification.objects.create(recipient=bob, post_id=twelve[4], created_at=now)
    for page in following:
        seen += ids(page)
    assert seen == [pk for pk in twelve if pk != twelve[4]]
    assert walk(bob)[0][0] == twelve[4]


def test_a_list_with_a_mark_takes_one_more_query(bob, twelve, django_assert_num_queries):
    marks.mark_read(bob, twelve[0])
    # The mark, the partitions, the newer ones, the late ones, two windows, and the posts.
    with django_assert_num_queries(7):
        assert ids(listing.page(bob, now=timezone.now(), size=5)) == twelve[:5]


def test_a_mark_without_a_floor_still_marks_everything_below_it(bob, twelve):
    ReadMark.objects.create(user=bob, post_id=twelve[3])
    assert read(bob) == twelve[3:]
    assert walk(bob, unread=True) == [twelve[:3]]
    marks.mark_read(bob, twelve[1])
    assert walk(bob, unread=True) == [twelve[:1]]


def test_notifications_below_the_remembered_ones_count_as_read(bob, twelve, now):
    Notification.objects.filter(post_id=twelve[6]).delete()
    marks.mark_read(bob, twelve[0], remembered=3)
    Notification.objects.create(recipient=bob, post_id=twelve[6], created_at=now)
    assert walk(bob, unread=True) == [[]]


def test_rows_far_apart_are_found_with_bounded_queries_per_page(
    alice, bob, now, django_assert_max_num_queries
):
    """There are 300 partitions, and one row at each end."""
    ends = notify(bob, alice, [FIRST, FIRST + 1_499], now)
    partitions.ensure(Notification._meta.db_table, range(FIRST, FIRST + 1_500, 5))
    listing.mark_read(bob, ends[0], now=now)
    found, walk = [], pages(bob)
    while True:
        # The mark, the partitions, the windows and the posts.
        with django_assert_max_num_queries(3 + listing.WINDOWS):
            page = next(walk, None)
        if page is None:
            break
        found += ids(page)
    assert found == ends[::-1]


def test_a_page_takes_a_fixed_number_of_queries(bob, twelve, django_assert_num_queries):
    # The mark, the partitions, two windows (of one and two partitions), and the posts.
    with django_assert_num_queries(5):
        page = listing.page(bob, now=timezone.now(), size=5)
        assert [entry.post.author.username for entry in page.entries] == ["alice"] * 5
