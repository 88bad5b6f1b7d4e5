"""Canaries: they pass through the real queues to the log, and no user sees them."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from analytics.models import Rollup
from analytics.recording import record
from analytics.rollups import roll_up
from events.models import OutboxEvent
from events.publisher import Publisher
from events.registry import decode_event, subscribers
from events.relay import relay_batch
from fanout.slices import Slice
from notifications.delivery import pushing
from notifications.models import Delivery, Preference, PushSubscription
from operations import canary
from social import accounts, posts, relations
from social.models import Post, Token, User
from tests.api import assert_problem, client_of
from tests.bus import work_off
from timelines.models import TimelineEntry
from timelines.tasks import write_slices

pytestmark = pytest.mark.django_db
WHOLE = [0, 2**63 - 1]


@pytest.fixture
def released(broker, settings):
    settings.PUSH_TRANSPORTS = {"console": "notifications.delivery.transports.console.Console"}
    return canary.release(now=timezone.now())


@pytest.fixture
def arrived(released):
    """A canary that has arrived; the test runs its tasks by hand."""
    publisher = Publisher(os.environ["BROKER_URL"])
    relay_batch(publisher)
    publisher.close()
    for name in ("timelines", "notifications"):
        work_off(subscribers[name], 1)
    write_slices(slices=[[released.post_id, *WHOLE]])
    pushing.push_slices([Slice(released.post_id, *WHOLE)], task=uuid4(), clock=timezone.now)
    return released


def test_a_canary_arrives_as_a_push(arrived):
    (flight,) = canary.flights()
    assert flight.arrived
    assert TimelineEntry.objects.filter(post_id=arrived.post_id).exists()
    assert Delivery.objects.get().state == "sent"
    assert canary.age(now=arrived.posted_at + timedelta(seconds=90)) == 90


def test_a_canary_that_has_not_arrived_does_not_lower_the_age(arrived):
    later = arrived.posted_at + timedelta(minutes=3)
    canary.release(now=later)
    newest, oldest = canary.flights()
    assert (newest.arrived, oldest.arrived) == (False, True)
    assert canary.age(now=later) == 180


def test_the_age_is_that_of_the_oldest_canary_if_none_has_arrived(released):
    assert canary.age(now=released.posted_at + timedelta(hours=1)) == 3600


def test_without_a_canary_there_is_no_age(db):
    assert canary.age(now=timezone.now()) is None


def test_no_user_finds_reads_or_follows_a_canary(client, released, alice):
    author = User.objects.get(username="canary:author")
    assert author not in accounts.visible_to(alice)
    assert not posts.visible_to(alice).filter(pk=released.post_id).exists()
    _, token = Token.objects.create(alice)
    headers = {"Authorization": f"Bearer {token}"}
    for path in (f"users/{author.pk}/", f"users/{author.pk}/posts/", f"posts/{released.post_id}/"):
        assert client.get(f"/api/v1/{path}", headers=headers).status_code == 404
    assert client.put(f"/api/v1/users/{author.pk}/follow/", headers=headers).status_code == 404


def test_a_canary_is_not_counted_in_any_figure(released):
    events = OutboxEvent.objects.exclude(body=None)
    assert record([decode_event(bytes(e.body), None) for e in events], now=timezone.now()) == len(
        events
    )
    roll_up()
    assert not Rollup.objects.exists()


def test_the_canarys_accounts_are_created_once(released):
    canary.release(now=timezone.now())
    assert User.objects.filter(username__startswith="canary:").count() == 2
    assert Post.objects.count() == 2


def test_a_canary_pushed_to_another_users_device_has_not_arrived(released, bob):
    follower = User.objects.get(username="canary:follower")
    PushSubscription.objects.filter(user=follower).update(user=bob)
    assert not canary.device_is_there()
    Preference.objects.create(user=bob)
    relations.follow(bob, User.objects.get(username="canary:author"), now=timezone.now())
    pushing.push_slices([Slice(released.post_id, *WHOLE)], task=uuid4(), clock=timezone.now)
    assert Delivery.objects.get().state == "sent"
    (flight,) = canary.flights()
    assert flight.pushed_at is None


@pytest.mark.parametrize("how", ["taken", "gone", "switched off"])
def test_the_next_canary_notices_changes_of_its_device_and_repairs_it(released, bob, how, caplog):
    follower = User.objects.get(username="canary:follower")
    if how == "taken":
        PushSubscription.objects.update(user=bob)
    elif how == "gone":
        PushSubscription.objects.all().delete()
    else:
        Preference.objects.update(push_enabled=False)
    canary.release(now=timezone.now())
    assert how in caplog.text
    assert canary.device_is_there()
    assert PushSubscription.objects.get().user == follower
    assert Preference.objects.get(user=follower).push_enabled


def test_an_intact_canary_logs_nothing(released, caplog):
    canary.release(now=timezone.now())
    assert "canary" not in caplog.text


def test_no_user_can_register_the_canarys_device(released, bob, settings):
    settings.DEBUG = True
    settings.PUSH_TRANSPORTS |= {"fcm": "notifications.delivery.transports.fcm.Fcm"}
    for transport in ("fcm", "console"):
        for token in ("canary:log", "canary:other"):
            body = {"transport": transport, "token": token}
            response = client_of(bob).post("/api/v1/push/subscriptions/", body, format="json")
            assert_problem(response, 400, "token")
    assert canary.device_is_there()
