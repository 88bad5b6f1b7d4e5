import msgspec
import pytest
from django.utils import timezone

from events.models import OutboxEvent
from fanout import ledger
from fanout.slices import END, Slice
from social import posts, relations
from social.models import Follow
from tests.at_once import at_once
from tests.conftest import make_user
from timelines import backfill, fanout
from timelines.models import SliceRecord, TimelineEntry

pytestmark = pytest.mark.django_db


def whole(post) -> list[Slice]:
    return [Slice(post.pk, 0, END)]


def owners(post) -> set[int]:
    return set(TimelineEntry.objects.filter(post=post).values_list("owner_id", flat=True))


def delivered() -> list[dict]:
    events = OutboxEvent.objects.filter(routing_key="timeline.delivered")
    return [
        slice_ for event in events for slice_ in msgspec.json.decode(event.body)["data"]["slices"]
    ]


def test_a_slice_reaches_every_follower_and_nobody_else(post, bob, carol, now):
    assert fanout.write(whole(post), now=now) == 1
    assert owners(post) == {bob.pk}


def test_the_ledger_row_and_the_event_come_with_the_rows(post, bob, alice, now):
    fanout.write(whole(post), now=now)
    record = SliceRecord.objects.get()
    assert (record.post_id, record.after, record.up_to, record.rows) == (post.pk, 0, END, 1)
    (data,) = delivered()
    assert (data["post_id"], data["author_id"], data["rows"]) == (post.pk, alice.pk, 1)


def test_a_slice_written_again_does_nothing(post, bob, alice, now):
    fanout.write(whole(post), now=now)
    relations.unfollow(bob, alice)
    TimelineEntry.objects.all().delete()
    assert fanout.write(whole(post), now=now) == 0
    relations.follow(bob, alice, now=now)
    # It does not write the row that is missing now either: the slice had its effect once.
    assert fanout.write(whole(post), now=now) == 0
    assert owners(post) == set()
    assert len(delivered()) == 1


def test_rows_that_a_back_fill_has_written_do_no_harm(post, bob, alice, carol, now):
    relations.follow(carol, alice, now=now)
    backfill.refresh(carol.pk, [alice.pk])
    assert owners(post) == {carol.pk}
    assert fanout.write(whole(post), now=now) == 2
    assert owners(post) == {bob.pk, carol.pk}


def test_a_slice_writes_only_the_followers_in_its_range(post, alice, now):
    first, second, third, fourth = (make_user(f"follower-{n}") for n in range(4))
    for follower in (first, second, third, fourth):
        relations.follow(follower, alice, now=now)
    fanout.write([Slice(post.pk, first.pk, third.pk)], now=now)
    assert owners(post) == {second.pk, third.pk}


def test_a_dormant_follower_is_skipped(post, bob, carol, alice, now):
    relations.follow(carol, alice, now=now)
    Follow.objects.filter(follower=bob).update(dormant=True)
    fanout.write(whole(post), now=now)
    assert owners(post) == {carol.pk}


def test_a_muting_follower_has_the_row_for_when_the_mute_ends(post, bob, alice, now):
    relations.mute(bob, alice, now=now)
    fanout.write(whole(post), now=now)
    assert owners(post) == {bob.pk}


def test_a_deleted_post_is_written_to_nobody(post, bob, now):
    posts.delete(post, now=now)
    assert fanout.write(whole(post), now=now) == 0
    assert owners(post) == set()
    assert not SliceRecord.objects.exists()


def test_a_vanished_post_is_no_error(now):
    assert fanout.write([Slice(999, 0, END)], now=now) == 0


def test_several_posts_are_written_by_one_statement(alice, bob, now, django_assert_num_queries):
    written = [posts.publish(alice, f"post {n}", now=now) for n in range(10)]
    fanout.write(whole(written[0]), now=now)
    # The savepoint's begin and end, the authors, their locks, the posts, the rows with their
    # ledger, the event with its notification to the relay.
    with django_assert_num_queries(7):
        fanout.write([slice_ for post in written[1:] for slice_ in whole(post)], now=now)
    assert TimelineEntry.objects.count() == 10
    assert sum(data["rows"] for data in delivered()) == 10


@pytest.fixture
def followers(alice, now) -> list[int]:
    users = [make_user(f"follower-{number}") for number in range(6)]
    for user in users:
        relations.follow(user, alice, now=now)
    return [user.pk for user in users]


def counted(post) -> tuple[int, int]:
    """The number of followers by the ledger, and by the events."""
    rows = SliceRecord.objects.filter(post_id=post.pk).values_list("rows", flat=True)
    return sum(rows), sum(data["rows"] for data in delivered() if data["post_id"] == post.pk)


# Slices as (after, up_to), in numbers of followers; together they cover all followers.
OVERLAPS = [
    [(None, 2), (2, None), (None, None)],
    [(None, None), (None, 2), (2, None)],
    [(None, None), (1, 4)],
    [(1, 4), (None, None)],
    [(None, 2), (None, None)],
    [(None, 3), (2, None), (1, 4)],
    [(2, 4), (None, 3), (3, None)],
    [(2, None), (None, 3)],
]


@pytest.mark.parametrize("ranges", OVERLAPS)
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("filled", [True, False])
def test_a_follower_in_several_slices_counts_once(alice, followers, ranges, together, filled, now):
    post = posts.publish(alice, "hi", now=now)
    if filled:  # The first try then meets a row that exists already.
        backfill.refresh(followers[1], [alice.pk])
    slices = [
        Slice(post.pk, 0 if a is None else followers[a], END if b is None else followers[b])
        for a, b in ranges
    ]
    for batch in [slices] if together else [[slice_] for slice_ in slices]:
        fanout.write(batch, now=now)
    assert owners(post) == set(followers)
    assert counted(post) == (6, 6)
    assert ledger.holes(SliceRecord, [post.pk]) == {post.pk: []}


def test_a_follower_who_unfollowed_and_followed_again_does_not_count_again(alice, followers, now):
    post = posts.publish(alice, "hi", now=now)
    fanout.write(whole(post), now=now)
    TimelineEntry.objects.filter(owner=followers[3]).delete()
    fanout.write([Slice(post.pk, followers[2], followers[3])], now=now)
    assert counted(post) == (6, 6)


@pytest.mark.django_db(transaction=True)
def test_overlapping_slices_at_the_same_moment_count_nobody_twice(alice, followers, now):
    for number in range(40):
        post = posts.publish(alice, f"post {number}", now=timezone.now())
        slices = [
            [Slice(post.pk, 0, END)],
            [Slice(post.pk, followers[1], followers[3])],
            [Slice(post.pk, 0, followers[2]), Slice(post.pk, followers[4], END)],
            [Slice(post.pk, followers[2], END)],
        ]
        if number % 2:
            backfill.refresh(followers[2], [alice.pk])
        at_once(lambda slices=slices: fanout.write(slices.pop(), now=timezone.now()))
        assert owners(post) == set(followers)
        assert counted(post) == (6, 6)


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_slice_write_it_once(alice, bob, now):
    post = posts.publish(alice, "hi", now=timezone.now())
    rows = at_once(lambda: fanout.write(whole(post), now=timezone.now()))
    assert sorted(rows) == [0, 0, 0, 1]
    assert len(delivered()) == 1
