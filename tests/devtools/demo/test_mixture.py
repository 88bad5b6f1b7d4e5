"""What is mixed into a run of 100 posts among 300 users, and into one among four."""

import pytest

from devtools.demo.mixture import BACKFILL_POSTS, NOTHING
from devtools.demo.plan import Plan
from devtools.lab.random_graph import generate_graph
from tests.devtools.demo.people import GRAPH

GRAPH_OF_300 = generate_graph(users=300)


@pytest.fixture(params=range(5))
def plan(request) -> Plan:
    return Plan.draw(GRAPH_OF_300, posts=100, mixed=True, seed=request.param)


def test_there_is_some_of_everything(plan):
    mixture = plan.mixture

    assert len(mixture.unfollows) == 30
    assert 20 < len(mixture.follows) <= 30
    assert len(mixture.deletions) == 9
    assert len(mixture.returned) == len(mixture.returns) == len(mixture.absent) == 15
    assert 0 < plan.large_posts < 100
    assert plan.graph.most_followed() in {
        plan.authors[post] for post in set(range(100)) - {act.post for act in mixture.deletions}
    }


def test_only_those_who_follow_unfollow_and_only_strangers_follow(plan):
    for act in plan.mixture.unfollows:
        assert plan.graph.follows(act.follower, act.author)
        assert act.author in plan.authors
    for act in plan.mixture.follows:
        assert act.follower != act.author
        assert not plan.graph.follows(act.follower, act.author)
        assert 1 <= plan.authors.count(act.author) <= BACKFILL_POSTS


def test_nobody_does_two_things_and_who_changes_what_they_follow_has_no_device(plan):
    mixture = plan.mixture

    assert len(mixture.restless) == len(mixture.unfollows) + len(mixture.follows)
    assert not mixture.restless & mixture.dormant
    assert not mixture.restless & plan.device_owners
    assert mixture.returned < mixture.dormant


def test_all_has_its_time_while_posts_are_written_and_a_deletion_after_its_post(plan):
    assert all(1 <= act.after <= 100 for act in plan.mixture.acts)
    assert all(act.after > act.post for act in plan.mixture.deletions)


def test_one_of_each_kind_reads_and_whoever_acts_can(plan):
    mixture = plan.mixture
    kinds = [
        {act.follower for act in mixture.unfollows},
        {act.follower for act in mixture.follows},
        mixture.returned,
        mixture.absent,
    ]

    assert all(kind & set(plan.readers) for kind in kinds)
    assert {*mixture.restless, *mixture.returned, *plan.readers} <= set(plan.members)


def test_the_most_followed_author_is_above_the_limit_and_has_several_slices(plan):
    followers = len(plan.graph.followers_of(plan.graph.most_followed()))

    assert plan.mixture.settings == {
        "TIMELINE_LARGE_AUDIENCE": str(followers // 2),
        "TIMELINE_TASK_ROWS": str(followers // 2),
        "TIMELINE_BACKFILL_POSTS": "50",
    }


def test_without_a_mixture_the_same_people_do_the_same_and_nothing_is_set():
    plain = Plan.draw(GRAPH_OF_300, posts=100)
    mixed = Plan.draw(GRAPH_OF_300, posts=100, mixed=True)

    assert plain.mixture == NOTHING
    assert NOTHING.settings == {}
    assert NOTHING.acts == NOTHING.readers == []
    assert mixed.authors == plain.authors
    assert mixed.push_authors == plain.push_authors
    assert plain.large_posts == 0


def test_among_four_people_next_to_nothing_is_mixed_in():
    mixture = Plan.draw(GRAPH, posts=10, mixed=True).mixture

    assert len(mixture.acts) == 0
    assert not mixture.dormant
