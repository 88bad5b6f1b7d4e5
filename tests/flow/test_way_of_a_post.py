"""One post over HTTP, through every process, to timeline, phone and analytics."""

import json
import uuid

import pytest

from devtools.push_service import Device, decrypt_all, running_push_service
from tests.waiting import until


@pytest.fixture
def alice(world):
    return world.sign_up("alice")


@pytest.fixture
def bob(world, alice):
    """Bob follows Alice."""
    bob = world.sign_up("bob")
    world.follow(bob, alice)
    return bob


@pytest.fixture(scope="module")
def push_service():
    with running_push_service() as service:
        yield service


@pytest.fixture
def device(world, bob, push_service) -> Device:
    device = Device.generate()
    body = device.subscription(push_service.origin)
    assert world.call(bob, "POST", "push/subscriptions/", body).status_code == 201
    return device


def recorded(world, post_id: int) -> dict[str, int]:
    """How many analytics events of each type there are about the post."""
    rows = world.sql(
        "SELECT event_type, count(*) FROM analytics_eventrecord"
        " WHERE data @> %s::jsonb OR data @> %s::jsonb GROUP BY event_type",
        json.dumps({"post_id": post_id}),
        json.dumps({"slices": [{"post_id": post_id}]}),
    )
    return dict(rows)


EVERYTHING = {"post.created": 1, "timeline.delivered": 1, "push.settled": 1}


def test_a_post_reaches_follower_phone_and_analytics(world, alice, bob, device, push_service):
    carol = world.sign_up("carol")
    post_id = world.post(alice)
    until(lambda: world.timeline(bob) == [post_id])
    until(lambda: push_service.receipts.of(device.token))
    report = decrypt_all(push_service.receipts.of(device.token), [device])
    assert report.faults == []
    assert [json.loads(text)["post_id"] for _, text in report.opened] == [post_id]
    until(lambda: recorded(world, post_id) == EVERYTHING)
    assert world.timeline(carol) == world.timeline(alice) == []


def test_a_message_of_another_program_has_the_same_effect(world, alice, bob, device, push_service):
    ((post_id, created_at),) = world.sql(
        "INSERT INTO social_post (author_id, content, created_at) VALUES (%s, 'hi', now())"
        " RETURNING id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
        alice.id,
    )
    data = {"post_id": post_id, "author_id": alice.id, "content": "hi", "created_at": created_at}
    envelope = {
        "event_id": f"evt_{uuid.uuid4().hex}",
        "event_type": "post.created",
        "timestamp": created_at,
        "data": data,
    }
    world.publish(json.dumps(envelope), exchange="posts.fanout")
    until(lambda: world.timeline(bob) == [post_id])
    until(lambda: push_service.receipts.of(device.token))
    until(lambda: recorded(world, post_id) == EVERYTHING)


def test_a_message_that_is_no_envelope_is_a_dead_letter_at_each_subscriber(world, alice, bob):
    poison = f"poison {uuid.uuid4().hex}"
    world.publish(poison, exchange="posts.fanout")
    letters = "SELECT queue, exception_type FROM events_deadletter WHERE body = %s ORDER BY queue"
    until(lambda: len(world.sql(letters, poison.encode())) == 3)
    assert world.sql(letters, poison.encode()) == [
        ("analytics.worker", "EnvelopeError"),
        ("push.worker", "EnvelopeError"),
        ("timeline.worker", "EnvelopeError"),
    ]
    # The consumers go on.
    post_id = world.post(alice)
    until(lambda: world.timeline(bob) == [post_id])


def test_follow_unfollow_and_deletion_show_in_the_timeline(world, alice, bob):
    first, second = world.post(alice, "first"), world.post(alice, "second")
    until(lambda: world.timeline(bob) == [second, first])
    world.call(alice, "DELETE", f"posts/{first}/")
    assert world.timeline(bob) == [second]
    until(lambda: world.owners(first) == set())
    world.call(bob, "DELETE", f"users/{alice.id}/follow/")
    assert world.timeline(bob) == []
    until(lambda: world.owners(second) == set())
    world.follow(bob, alice)
    until(lambda: world.timeline(bob) == [second])
