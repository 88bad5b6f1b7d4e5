import pytest

from events import metrics
from fanout import ledger, partitions
from fanout.models import Horizon
from fanout.slices import END, Slice
from social import accounts, posts, relations
from social.models import Post
from timelines import backfill, fanout, pulling, reading, watermark
from timelines.models import TimelineEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(alice, bob, now) -> list[int]:
    """Twelve posts of Alice's in Bob's timeline, newest first, in partitions of five."""
    first = 10_000_000  # A partition begins here, and no other test has created any nearby.
    ids = [
        Post.objects.create(pk=first + n, author=alice, content=f"post {n}", created_at=now).pk
        for n in range(12)
    ]
    fanout.write([Slice(pk, 0, END) for pk in ids], now=now)
    return ids[::-1]


@pytest.fixture(autouse=True)
def _small_partitions(settings):
    settings.PARTITION_POSTS = 5


def older(owner: int, *arguments) -> reading.Page:
    return reading.older(owner, reading.state(owner), *arguments)


def newer(owner: int, *arguments) -> reading.Page:
    return reading.newer(owner, reading.state(owner), *arguments)


def ids(page: reading.Page) -> list[int]:
    return [post.pk for post in page.posts]


def test_pages_follow_each_other_without_gap_or_repeat(bob, written):
    seen, before, pages = [], None, 0
    while True:
        page = older(bob.pk, before, 5)
        seen += ids(page)
        pages += 1
        if not page.more:
            break
        before = seen[-1]
    assert seen == written
    assert pages == 3


def test_a_full_last_page_says_that_nothing_follows(bob, written):
    assert not older(bob.pk, None, 12).more
    assert older(bob.pk, None, 11).more


def test_newer_posts_are_read_oldest_first(bob, written):
    page = newer(bob.pk, written[-1], 5)
    assert ids(page) == written[-6:-1]
    assert page.more
    page = newer(bob.pk, written[4], 5)
    assert ids(page) == written[:4]
    assert not page.more


def test_a_post_that_is_late_for_long_is_shown_all_the_same(alice, bob, carol, written, now):
    pk = written[0] + 1
    late = Post.objects.create(pk=pk, author=alice, content="late", created_at=now)
    watermark.raise_(now=now + ledger.LATE * 2)
    assert ids(older(bob.pk)) == [late.pk, *written]
    assert ids(newer(bob.pk, written[0])) == [late.pk]
    assert older(carol.pk) == ([], False)


def test_an_empty_timeline_is_an_empty_page(carol, written):
    assert older(carol.pk) == ([], False)
    assert newer(carol.pk, 0) == ([], False)


def test_a_deleted_post_is_gone_at_once(alice, bob, written, now):
    post = alice.posts.get(pk=written[3])
    posts.delete(post, now=now)
    assert post.pk not in ids(older(bob.pk))
    # Older posts fill the page.
    assert len(ids(older(bob.pk, None, 5))) == 5


@pytest.mark.parametrize("end", [relations.unfollow, relations.mute, relations.block])
def test_an_author_who_was_unfollowed_muted_or_blocked_disappears_at_once(
    alice, bob, written, now, end
):
    end(bob, alice) if end is relations.unfollow else end(bob, alice, now=now)
    assert older(bob.pk) == ([], False)


def test_a_page_takes_a_fixed_number_of_queries(bob, written, django_assert_num_queries):
    older(bob.pk, None, 5)
    # The state, the ids, the posts with their authors, and the authors whom the owner sees.
    with django_assert_num_queries(4):
        page = older(bob.pk, None, 5)
        assert [post.author.username for post in page.posts] == ["alice"] * 5


def test_timelines_of_different_owners_do_not_mix(alice, bob, carol, written, now):
    relations.follow(carol, bob, now=now)
    post = posts.publish(bob, "by bob", now=now)
    fanout.write([Slice(post.pk, 0, END)], now=now)
    assert ids(older(carol.pk)) == [post.pk]
    assert post.pk not in ids(older(bob.pk))


def test_posts_of_a_muted_author_are_back_when_the_mute_ends(alice, bob, written, now):
    relations.mute(bob, alice, now=now)
    late = posts.publish(alice, "unseen", now=now)
    fanout.write([Slice(late.pk, 0, END)], now=now)
    relations.unmute(bob, alice)
    assert {late.pk, *written} == set(ids(older(bob.pk)))


def test_an_edit_is_seen_at_once(alice, bob, written, now):
    posts.edit(alice.posts.get(pk=written[2]), "said better", now=now)
    edited = older(bob.pk).posts[2]
    assert (edited.content, edited.edited_at) == ("said better", now)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 12, 50])
def test_pages_go_on_below_the_horizon_without_a_seam(bob, written, size):
    # The rows of the seven oldest posts have expired. Depending on `size` a page ends before, at or
    # behind the horizon.
    horizon = written[4]
    Horizon.objects.create(table_name="timelines_timelineentry", post_id=horizon)
    TimelineEntry.objects.filter(post_id__lt=horizon).delete()
    seen, before = [], None
    while True:
        page = older(bob.pk, before, size)
        seen += ids(page)
        if not page.more:
            break
        before = seen[-1]
    assert seen == written


def test_posts_of_a_closed_account_take_no_place_among_the_authors_posts(alice, bob, carol, now):
    relations.follow(bob, carol, now=now)
    first, last = (posts.publish(author, "hi", now=now).pk for author in (alice, carol))
    assert pulling.older(bob.pk, last + 1, 1) == [last]
    accounts.close(carol, now=now)
    assert pulling.older(bob.pk, last + 1, 1) == [first]


def test_reading_forward_from_below_the_horizon_has_no_seam_either(bob, written):
    Horizon.objects.create(table_name="timelines_timelineentry", post_id=written[4])
    TimelineEntry.objects.filter(post_id__lt=written[4]).delete()
    assert ids(newer(bob.pk, written[-1], 8)) == written[-9:-1]
    assert ids(newer(bob.pk, written[5], 3)) == written[2:5]


def test_a_slice_of_an_expired_post_is_skipped_and_its_partition_not_created_again(bob, alice, now):
    Horizon.objects.create(table_name="timelines_timelineentry", post_id=30_000_000)
    kept, expired = (
        Post.objects.create(pk=pk, author=alice, content="hi", created_at=now).pk
        for pk in (30_000_001, 29_999_999)
    )
    before = partitions.bounds("timelines_timelineentry")
    counted = metrics.SKIPPED.labels("expired slice")._value
    so_far = counted.get()
    assert fanout.write([Slice(pk, 0, END) for pk in (kept, expired)], now=now) == 1
    assert counted.get() == so_far + 1
    assert len(partitions.bounds("timelines_timelineentry")) == len(before) + 1
    backfill.refresh(bob.pk, [alice.pk])
    assert ids(older(bob.pk)) == [kept, expired]
