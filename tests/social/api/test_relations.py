import pytest
from django.utils import timezone

from social import relations
from social.models import Follow
from tests.api import assert_problem, client_of
from tests.conftest import make_user

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
    """Five people who follow Alice, oldest account first."""
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


def test_whom_somebody_follows_is_listed(alice, crowd, carol):
    relations.follow(crowd[0], carol, now=timezone.now())
    response = client_of(carol).get(f"/api/v1/users/{crowd[0].pk}/following/")
    assert shown(response) == ["carol", "alice"]


def test_blocks_and_mutes_are_seen_by_their_owner_alone(alice, bob, carol):
    client = client_of(alice)
    client.put(f"/api/v1/users/{bob.pk}/block/")
    client.put(f"/api/v1/users/{carol.pk}/mute/")
    assert shown(client.get("/api/v1/blocks/")) == ["bob"]
    assert shown(client.get("/api/v1/mutes/")) == ["carol"]
    assert shown(client_of(bob).get("/api/v1/blocks/")) == []


def test_a_profile_counts_follows(alice, crowd, carol, django_assert_num_queries):
    client = client_of(carol)
    client.get("/api/v1/accounts/me/")
    # The token, the person, the counts.
    with django_assert_num_queries(3):
        answer = client.get(f"/api/v1/users/{alice.pk}/").json()
    assert (answer["followers"], answer["following"]) == (5, 0)


def test_who_is_blocked_finds_no_profile(alice, carol):
    relations.block(alice, carol, now=timezone.now())
    assert_problem(client_of(carol).get(f"/api/v1/users/{alice.pk}/"), 404)
