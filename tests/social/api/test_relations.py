from itertools import permutations

import pytest
from django.utils import timezone

from fanout.slices import END, Slice
from social import accounts, canaries, posts, relations
from social.models import Block, Follow, Mute
from tests.api import assert_problem, client_of
from tests.conftest import make_user
from timelines import fanout

pytestmark = pytest.mark.django_db


def test_following_and_unfollowing_may_be_repeated(alice, carol):
    client = client_of(carol)
    url = f"/api/v1/users/{alice.pk}/follow/"
    assert [client.put(url).status_code for _ in range(2)] == [204, 204]
    assert Follow.objects.count() == 1
    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]
    assert not Follow.objects.exists()


def test_oneself_nobody_and_impossible_ids_cannot_be_followed(alice):
    client = client_of(alice)
    assert_problem(client.put(f"/api/v1/users/{alice.pk}/follow/"), 409)
    assert_problem(client.put("/api/v1/users/999999999/follow/"), 404)
    assert_problem(client.put(f"/api/v1/users/{2**63}/follow/"), 404)
    assert_problem(client.put("/api/v1/users/0/follow/"), 404)
    assert_problem(client.put("/api/v1/users/abc/follow/"), 404)


@pytest.fixture
def crowd(alice):
    """Five people who follow Alice; the oldest account is first."""
    people = [make_user(f"fan{number}") for number in range(5)]
    for person in people:
        relations.follow(person, alice, now=timezone.now())
    return people


def shown(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [person["username"] for person in response.json()["results"]]


def test_followers_are_paged(alice, crowd, carol, django_assert_num_queries):
    client = client_of(carol)
    url = f"/api/v1/users/{alice.pk}/followers/?limit=2"
    client.get(url)
    pages = []
    while url:
        # The token, the person, the page.
        with django_assert_num_queries(3):
            response = client.get(url)
        pages.append(shown(response))
        url = response.json()["next"]
    assert pages == [["fan4", "fan3"], ["fan2", "fan1"], ["fan0"]]


def test_the_follows_of_somebody_are_listed(alice, crowd, carol):
    relations.follow(crowd[0], carol, now=timezone.now())
    response = client_of(carol).get(f"/api/v1/users/{crowd[0].pk}/following/")
    assert shown(response) == ["carol", "alice"]


def test_only_their_owner_sees_blocks_and_mutes(alice, bob, carol):
    client = client_of(alice)
    client.put(f"/api/v1/users/{bob.pk}/block/")
    client.put(f"/api/v1/users/{carol.pk}/mute/")
    assert shown(client.get("/api/v1/blocks/")) == ["bob"]
    assert shown(client.get("/api/v1/mutes/")) == ["carol"]
    assert shown(client_of(bob).get("/api/v1/blocks/")) == []


def test_a_profile_counts_follows(alice, crowd, carol, django_assert_num_queries):
    client = client_of(carol)
    client.get("/api/v1/accounts/me/")
    # The token, the person, what she is to Carol, the counts.
    with django_assert_num_queries(4):
        answer = client.get(f"/api/v1/users/{alice.pk}/").json()
    assert (answer["followers"], answer["following"]) == (5, 0)


def test_a_blocked_user_does_not_find_the_profile(alice, carol):
    relations.block(alice, carol, now=timezone.now())
    assert_problem(client_of(carol).get(f"/api/v1/users/{alice.pk}/"), 404)


RELATIONS = ("follow", "block", "mute")


@pytest.fixture
def strangers(alice, carol):
    """The ids of a user who blocks Carol, a canary, a closed account, and no account."""
    relations.block(alice, carol, now=timezone.now())
    canary, _ = canaries.ensure(now=timezone.now())
    closed = make_user("dora")
    accounts.close(closed, now=timezone.now())
    return [alice.pk, canary.pk, closed.pk, 2**62]


def test_following_a_blocker_is_answered_as_for_a_user_who_does_not_exist(strangers, carol):
    client = client_of(carol)
    for user_id in strangers:
        url = f"/api/v1/users/{user_id}/follow/"
        assert_problem(client.put(url), 404)
        assert client.delete(url).status_code == 204


@pytest.mark.parametrize(("relation", "rows"), [("block", Block), ("mute", Mute)])
def test_blocking_and_muting_are_answered_alike_whether_or_not_the_user_exists(
    strangers, alice, carol, relation, rows, settings
):
    client = client_of(carol)
    answers = set()
    for user_id in strangers:
        url = f"/api/v1/users/{user_id}/{relation}/"
        for response in (client.put(url), client.put(url)):
            answers.add((response.status_code, response.content))
    assert answers == {(204, b"")}
    assert_problem(client.put(f"/api/v1/users/{carol.pk}/{relation}/"), 409)
    # There is only a row about Alice, besides the row of her own block.
    assert {row.pk for row in rows.objects.all()} - {(alice.pk, carol.pk)} == {(carol.pk, alice.pk)}
    settings.THROTTLES = settings.THROTTLES | {"follow": {"user": 0}}
    assert_problem(client.put(f"/api/v1/users/{2**62}/{relation}/"), 429)


def test_a_block_hides_both_people_from_each_other_everywhere(alice, bob, carol, now):
    """Alice blocks Carol. Bob follows both and is followed by both; he still sees both."""
    everybody = {person: client_of(person) for person in (alice, bob, carol)}
    for one, other in permutations((alice, bob, carol), 2):
        relations.follow(one, other, now=now)
    for person in everybody:
        written = posts.publish(person, f"words of {person}", now=now)
        fanout.write([Slice(written.pk, 0, END)], now=now)
    assert everybody[alice].put(f"/api/v1/users/{carol.pk}/block/").status_code == 204
    for one, other in permutations((alice, carol)):
        client = everybody[one]
        theirs = other.posts.get().pk
        for path in ("", "posts/", "followers/", "following/"):
            assert_problem(client.get(f"/api/v1/users/{other.pk}/{path}"), 404)
        assert_problem(client.get(f"/api/v1/posts/{theirs}/"), 404)
        assert shown(client.get(f"/api/v1/users/{bob.pk}/followers/")) == [one.username]
        assert shown(client.get(f"/api/v1/users/{bob.pk}/following/")) == [one.username]
        timeline = client.get("/api/v1/timeline/").json()["results"]
        assert [post["content"] for post in timeline] == ["words of bob"]
    assert shown(everybody[bob].get(f"/api/v1/users/{bob.pk}/followers/")) == ["carol", "alice"]
    everybody[alice].delete(f"/api/v1/users/{carol.pk}/block/")
    assert everybody[alice].get(f"/api/v1/users/{carol.pk}/").status_code == 200


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_relation_to_a_user_who_has_since_blocked_one_can_be_ended(alice, carol, relation):
    client = client_of(carol)
    client.put(f"/api/v1/users/{alice.pk}/{relation}/")
    relations.block(alice, carol, now=timezone.now())
    client.delete(f"/api/v1/users/{alice.pk}/{relation}/")
    assert not carol.blocking_set.exists()
    assert not carol.muting_set.exists()


def test_following_a_user_whom_one_blocks_is_refused_with_the_reason(alice, carol):
    relations.block(carol, alice, now=timezone.now())
    answer = client_of(carol).put(f"/api/v1/users/{alice.pk}/follow/")
    assert_problem(answer, 409)
    assert answer.json()["detail"] == "One of you blocks the other."


def test_a_user_who_blocks_the_viewer_is_only_in_the_viewers_own_lists(alice, crowd, carol):
    for person in crowd[:2]:
        relations.follow(alice, person, now=timezone.now())
    relations.block(crowd[1], carol, now=timezone.now())
    relations.block(carol, crowd[1], now=timezone.now())
    client = client_of(carol)
    followers = client.get(f"/api/v1/users/{alice.pk}/followers/?limit=4")
    assert shown(followers) == ["fan4", "fan3", "fan2", "fan0"]
    assert followers.json()["next"] is None
    assert shown(client.get(f"/api/v1/users/{alice.pk}/following/")) == ["fan0"]
    assert shown(client.get("/api/v1/blocks/")) == ["fan1"]
    assert "fan1" in shown(client_of(alice).get(f"/api/v1/users/{alice.pk}/followers/"))


LISTS = ("users/{}/followers/", "users/{}/following/", "blocks/", "mutes/")


@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_as_many_queries_whatever_its_length(alice, path, django_assert_num_queries):
    client, url = client_of(alice), "/api/v1/" + path.format(alice.pk)
    client.get(url)
    of_anyone = path.startswith("users")
    for number in range(2):
        person, now = make_user(f"person{number}"), timezone.now()
        relations.follow(person, alice, now=now)
        relations.follow(alice, person, now=now)
        relations.mute(alice, person, now=now)
        relations.block(alice, make_user(f"other{number}"), now=now)
        # The token, the person whose list it is (unless it is one's own), the page.
        with django_assert_num_queries(3 if of_anyone else 2):
            assert len(shown(client.get(url))) == number + 1
