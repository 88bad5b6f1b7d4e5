import pytest

from social import posts, relations
from social.models import Post
from social.slices import END, Slice
from timelines import fanout, reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(alice, bob, now) -> list[int]:
    """Twelve posts of Alice's in Bob's timeline, newest first, in partitions of five."""
    first = 10_000_000  # where a partition begins, and no other test has made any
    ids = [
        Post.objects.create(pk=first + n, author=alice, content=f"post {n}", created_at=now).pk
        for n in range(12)
    ]
    fanout.write([Slice(pk, 0, END) for pk in ids], now=now)
    return ids[::-1]


@pytest.fixture(autouse=True)
def _small_partitions(settings):
    settings.PARTITION_POSTS = 5


def ids(page: reading.Page) -> list[int]:
    return [post.pk for post in page.posts]


def test_pages_follow_each_other_without_gap_or_repeat(bob, written):
    seen, before, pages = [], None, 0
    while True:
        page = reading.older(bob.pk, before, 5)
        seen += ids(page)
        pages += 1
        if not page.more:
            break
        before = seen[-1]
    assert seen == written
    assert pages == 3


def test_a_full_last_page_says_that_nothing_follows(bob, written):
    assert not reading.older(bob.pk, None, 12).more
    assert reading.older(bob.pk, None, 11).more


def test_what_is_newer_is_read_from_the_old_end(bob, written):
    page = reading.newer(bob.pk, written[-1], 5)
    assert ids(page) == written[-6:-1]
    assert page.more
    page = reading.newer(bob.pk, written[4], 5)
    assert ids(page) == written[:4]
    assert not page.more


def test_an_empty_timeline_is_an_empty_page(carol, written):
    assert reading.older(carol.pk) == ([], False)
    assert reading.newer(carol.pk, 0) == ([], False)


def test_a_deleted_post_is_gone_at_once(bob, written, now):
    post = reading.older(bob.pk).posts[3]
    posts.delete(post, now=now)
    assert post.pk not in ids(reading.older(bob.pk))
    # The page is filled from behind the gap.
    assert len(ids(reading.older(bob.pk, None, 5))) == 5


@pytest.mark.parametrize("end", [relations.unfollow, relations.mute, relations.block])
def test_whom_one_no_longer_reads_is_gone_at_once(alice, bob, written, now, end):
    end(bob, alice) if end is relations.unfollow else end(bob, alice, now=now)
    assert reading.older(bob.pk) == ([], False)


def test_a_page_takes_a_fixed_number_of_queries(bob, written, django_assert_num_queries):
    reading.older(bob.pk, None, 5)
    # The partitions, ids from two windows (one and two partitions), and for each the posts with
    # their authors, and whom of them the owner follows.
    with django_assert_num_queries(7):
        page = reading.older(bob.pk, None, 5)
        assert [post.author.username for post in page.posts] == ["alice"] * 5


def test_another_ones_timeline_is_not_mixed_in(alice, bob, carol, written, now):
    relations.follow(carol, bob, now=now)
    post = posts.publish(bob, "by bob", now=now)
    fanout.write([Slice(post.pk, 0, END)], now=now)
    assert ids(reading.older(carol.pk)) == [post.pk]
    assert post.pk not in ids(reading.older(bob.pk))
