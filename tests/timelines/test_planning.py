import pytest

from fanout.slices import END, Slice
from social.models import Follow
from tests.conftest import make_user
from timelines.planning import Plan, pack, plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def followers(alice, now) -> list[int]:
    users = [make_user(f"follower-{number}") for number in range(7)]
    Follow.objects.bulk_create(
        Follow(follower=user, followee=alice, created_at=now) for user in users
    )
    return [user.pk for user in users]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 100])
def test_slices_tile_the_whole_range_of_ids(alice, followers, size):
    plans = plan([(1, alice.pk)], size)
    slices = [planned.slice for planned in plans]
    assert slices[0].after == 0
    assert slices[-1].up_to == END
    assert [a.up_to for a in slices[:-1]] == [b.after for b in slices[1:]]
    assert sum(planned.followers for planned in plans) == 7
    assert max(planned.followers for planned in plans) <= size
    for planned in plans:
        inside = [f for f in followers if planned.slice.after < f <= planned.slice.up_to]
        assert len(inside) == planned.followers
    assert {planned.audience for planned in plans} == {7}


def test_a_post_without_followers_has_one_empty_slice(alice):
    assert plan([(1, alice.pk)], 10) == [Plan(Slice(1, 0, END), 0, 0)]


@pytest.mark.parametrize("size", [2, 3, 7])
def test_the_slices_of_several_large_audiences_take_two_queries(
    alice, carol, followers, size, django_assert_num_queries
):
    Follow.objects.bulk_create(
        Follow(follower_id=pk, followee=carol, created_at=alice.date_joined) for pk in followers[:4]
    )
    with django_assert_num_queries(2 if size < 7 else 1):
        plans = plan([(1, alice.pk), (2, carol.pk)], size)
    counts = {post: [p.followers for p in plans if p.slice.post_id == post] for post in (1, 2)}
    assert (
        counts
        == {
            2: {1: [2, 2, 2, 1], 2: [2, 2]},
            3: {1: [3, 3, 1], 2: [3, 1]},
            7: {1: [7], 2: [4]},
        }[size]
    )


def test_several_posts_take_one_query(alice, followers, carol, django_assert_num_queries):
    with django_assert_num_queries(1):
        plans = plan([(1, alice.pk), (2, carol.pk), (3, alice.pk)], 100)
    assert [planned.slice.post_id for planned in plans] == [1, 2, 3]


@pytest.mark.parametrize(
    ("followers", "tasks"),
    [
        ([], []),
        ([5], [[0]]),
        ([50], [[0]]),
        ([4, 4, 4], [[0, 1], [2]]),
        ([10, 1, 10], [[0], [1], [2]]),
        ([0, 0, 0], [[0, 1, 2]]),
    ],
)
def test_slices_are_packed_into_tasks_of_about_ten_rows(followers, tasks):
    plans = [Plan(Slice(n, 0, END), count, count) for n, count in enumerate(followers)]
    assert [[slice_.post_id for slice_ in batch] for batch in pack(plans, 10)] == tasks
