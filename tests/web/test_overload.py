"""What is still taken when more events are pending than can be worked off."""

import pytest

from tests.flow.world import PASSWORD, World

PENDING = "SELECT count(*) FROM events_outboxevent WHERE published_at IS NULL"


@pytest.fixture
def world(world) -> World:
    """With a few events that nobody publishes."""
    alice = world.sign_up("alice")
    for _ in range(10):
        world.post(alice)
    return world


@pytest.fixture
def people(world):
    """Alice, whom Bob follows, and Carol, whom nobody does; and a post of Alice's."""
    alice, bob, carol = (world.sign_up(name) for name in ("alice", "bob", "carol"))
    world.follow(bob, alice)
    return alice, bob, carol, world.post(alice)


def ordinary(world, alice, bob, carol, post) -> list:
    register = {"username": "dora", "password": PASSWORD}
    return [
        world.call(alice, "POST", "posts/", {"content": "one more"}),
        world.call(alice, "PATCH", f"posts/{post}/", {"content": "changed"}),
        world.call(carol, "PUT", f"users/{alice.id}/follow/"),
        world.call(carol, "POST", "accounts/register/", register),
    ]


def for_safety(world, alice, bob, carol, post) -> list:
    return [
        world.call(alice, "PUT", f"users/{carol.id}/block/"),
        world.call(bob, "DELETE", f"users/{alice.id}/follow/"),
        world.call(alice, "DELETE", f"posts/{post}/"),
        world.call(carol, "POST", "accounts/close/", {"current_password": PASSWORD}),
    ]


def refused(answers) -> list[bool]:
    return [answer.status_code == 503 and "Retry-After" in answer.headers for answer in answers]


def test_safety_goes_on_where_nothing_else_is_taken(world, people, serve):
    limit = world.sql(PENDING)[0][0] - 1
    world.go_to(serve(OVERLOAD_PENDING_EVENTS=str(limit), OVERLOAD_RESERVE="1"))
    assert all(refused(ordinary(world, *people)))
    assert world.call(people[0], "GET", "timeline/").status_code == 200
    assert [answer.status_code for answer in for_safety(world, *people)] == [204] * 4


def test_the_reserve_has_an_end_too(world, people, serve):
    world.go_to(serve(OVERLOAD_PENDING_EVENTS="1", OVERLOAD_RESERVE="1"))
    assert all(refused(ordinary(world, *people) + for_safety(world, *people)))
    assert world.call(people[0], "GET", "timeline/").status_code == 200


def test_a_full_disk_has_a_reserve_as_well(world, people, serve):
    world.go_to(serve(OVERLOAD_FREE_DISK="0.99", OVERLOAD_RESERVE="1"))
    assert all(refused(ordinary(world, *people)))
    assert [answer.status_code for answer in for_safety(world, *people)] == [204] * 4
