import json

import msgspec
import pytest

from events.models import OutboxEvent
from notifications import claims, pushing, subscriptions
from notifications.models import Delivery, Notification, Preference, PushSubscription
from social import posts, relations
from social.slices import END, Slice
from stack.push_service import Device, decrypt_all, running_push_service

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def service():
    with running_push_service() as service:
        yield service


@pytest.fixture
def device(bob, service, now) -> Device:
    """A device of Bob's."""
    return register(bob, service, now)


def register(user, service, now) -> Device:
    device = Device.generate()
    subscription = device.subscription(service.origin)
    subscriptions.register(
        user, endpoint=subscription["endpoint"], **subscription["keys"], name="phone", now=now
    )
    return device


def whole(post) -> list[Slice]:
    return [Slice(post.pk, 0, END)]


def settled() -> list[tuple[int, int]]:
    events = OutboxEvent.objects.filter(routing_key="push.settled").order_by("id")
    data = [msgspec.json.decode(event.body)["data"] for event in events]
    return [(each["sent"], each["failed"]) for each in data]


def test_a_follower_with_a_device_is_told_once(post, bob, device, service, now):
    assert pushing.push_slices(whole(post), now=now) == []
    assert pushing.push_slices(whole(post), now=now) == []
    (receipt,) = service.receipts.of(device.token)
    report = decrypt_all([receipt], [device])
    ((_, plaintext),) = report.opened
    assert json.loads(plaintext) == {
        "title": "alice",
        "body": "Hello world!",
        "tag": f"post-{post.pk}",
        "post_id": post.pk,
    }
    assert (receipt.topic, receipt.urgency) == (f"post-{post.pk}", "normal")
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.provider_status) == ("sent", 1, 201)
    assert settled() == [(1, 0)]


def test_a_user_without_a_device_has_the_notification_all_the_same(post, bob, now):
    Preference.objects.create(user=bob)
    pushing.push_slices(whole(post), now=now)
    assert Notification.objects.get().recipient_id == bob.pk
    assert not Delivery.objects.exists()


def test_who_never_asked_is_not_told(post, bob, now):
    pushing.push_slices(whole(post), now=now)
    assert not Notification.objects.exists()


@pytest.mark.parametrize("why", ["deleted", "muted", "unfollowed", "off"])
def test_what_became_unwanted_is_not_pushed(alice, bob, post, device, service, now, why):
    if why == "deleted":
        posts.delete(post, now=now)
    elif why == "muted":
        relations.mute(bob, alice, now=now)
    elif why == "unfollowed":
        relations.unfollow(bob, alice)
    else:
        Preference.objects.update(push_enabled=False)
    pushing.push_slices(whole(post), now=now)
    assert service.receipts.of(device.token) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_gone_subscription_is_removed(post, device, service, now, status):
    service.answer(device.token, status)
    assert pushing.push_slices(whole(post), now=now) == []
    assert not PushSubscription.objects.exists()
    assert Delivery.objects.get().state == "refused"
    assert settled() == [(0, 1)]


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_refused_push_is_not_tried_again_and_the_device_stays(post, device, service, now, status):
    service.answer(device.token, status)
    assert pushing.push_slices(whole(post), now=now) == []
    row = Delivery.objects.get()
    assert (row.state, row.reason) == ("refused", f"answered {status}")
    assert PushSubscription.objects.exists()


@pytest.mark.parametrize("how", [408, 429, 500, 503, "reset", "garbage"])
def test_a_passing_failure_is_tried_again_until_it_is_sent(post, device, service, now, how):
    service.answer(device.token, how, first=1)
    (outcome,) = pushing.push_slices(whole(post), now=now)
    assert Delivery.objects.get().state == "retrying"
    assert settled() == []
    due = [(outcome.push.post_id, outcome.push.subscription_id)]
    assert pushing.push_again(due, now=now) == []
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == ("sent", 2)
    assert settled() == [(1, 0)]


def test_retry_after_is_honoured(post, device, service, now):
    service.answer(device.token, 429, retry_after=77)
    (outcome,) = pushing.push_slices(whole(post), now=now)
    assert outcome.retry_after == 77


def test_one_failing_device_harms_no_other(post, bob, device, service, now):
    other = register(bob, service, now)
    service.answer(device.token, 500)
    (outcome,) = pushing.push_slices(whole(post), now=now)
    assert len(service.receipts.of(other.token)) == 1
    assert outcome.push.endpoint.endswith(device.token)


def test_a_push_that_a_dead_sender_claimed_is_sent_when_its_lease_is_over(
    post, device, service, now
):
    live = claims.live_posts({post.pk})
    claims.claim(whole(post), live, now=now)
    # Within the lease nobody else takes it; after it, somebody does.
    assert pushing.push_slices(whole(post), now=now) == []
    assert service.receipts.of(device.token) == []
    pushing.push_slices(whole(post), now=now + claims.LEASE * 2)
    assert len(service.receipts.of(device.token)) == 1
    assert Delivery.objects.get().attempts == 2
