"""The admin page that shows why a post has, or has not, reached a user."""

import os

import pytest
from django.utils import timezone

from events import pausing
from events.models import OutboxEvent
from events.publisher import Publisher
from events.registry import subscribers
from events.relay import relay_batch
from fanout import partitions
from notifications.models import Delivery, Notification, Preference
from social import posts, relations
from tests.bus import work_off
from timelines.tasks import write_slices

pytestmark = pytest.mark.django_db
END = 2**63 - 1


@pytest.fixture
def why(admin_client):
    """Return what the page says about the post and a user; by default only the steps that stop
    the post."""

    def ask(post, user, *, only_stops: bool = True) -> list[str]:
        values = {"post": post.pk, "user": user.username}
        steps = admin_client.get("/admin/operations/status/journey/", values).context["steps"]
        return [step.text for step in steps if step.stops or not only_stops]

    return ask


@pytest.fixture
def fresh(alice, bob):
    OutboxEvent.objects.all().delete()
    return posts.publish(alice, "hi", now=timezone.now())


@pytest.fixture
def published(fresh, broker):
    publisher = Publisher(os.environ["BROKER_URL"])
    relay_batch(publisher)
    publisher.close()
    return fresh


def test_nothing_stops_a_post_that_has_arrived(why, published, bob):
    work_off(subscribers["timelines"], 1)
    work_off(subscribers["notifications"], 1)
    write_slices(slices=[[published.pk, 0, END]])
    assert why(published, bob) == []
    assert "It is in bob's timeline." in why(published, bob, only_stops=False)


def test_without_a_relay_the_event_waits_in_the_outbox(why, fresh, bob):
    assert "Its event waits in the outbox; is a relay running?" in why(fresh, bob)


def test_a_paused_subscriber_is_named(why, published, bob):
    pausing.pause("timelines", lasting=None, now=timezone.now())
    shown = why(published, bob)
    assert "It waits in timeline.worker for timelines, which is paused." in shown
    assert "It is not in bob's timeline." in shown


def test_a_slice_that_was_lost_is_found(why, published, bob):
    work_off(subscribers["timelines"], 1)
    lost = "timelines has not finished bob's slice. If nothing is late, repair the post."
    assert lost in why(published, bob)


def test_a_dead_letter_about_it_is_shown(why, published, bob, admin_client, dead_letter):
    dead_letter(published.pk, "timelines.high")
    (shown,) = [text for text in why(published, bob) if "dead letter" in text and "about" in text]
    assert shown == "A dead letter of timelines.high is about it: ValueError no such thing"


def test_a_missing_follow_a_mute_and_a_block_are_named(why, published, alice, bob, carol):
    assert "carol does not follow alice." in why(published, carol)
    relations.mute(bob, alice, now=timezone.now())
    assert "bob has muted alice." in why(published, bob)
    relations.block(alice, bob, now=timezone.now())
    assert {"bob does not follow alice.", "alice blocks bob."} <= set(why(published, bob))
    posts.delete(published, now=timezone.now())
    assert any(text.startswith("It was deleted at") for text in why(published, bob))


def test_a_refused_push_is_shown_with_its_reason(why, published, bob):
    Preference.objects.create(user=bob)
    now = timezone.now()
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, [published.pk])
    Notification.objects.create(recipient=bob, post=published, created_at=now)
    Delivery.objects.create(
        post=published,
        subscription_id=7,
        recipient_id=bob.pk,
        state="refused",
        reason="answered 403",
        attempts=1,
        created_at=now,
        host="push.example",
    )
    refused = "The push to device 7 at push.example is refused (attempts: 1): answered 403."
    assert refused in why(published, bob)


@pytest.mark.parametrize(
    ("post", "user", "problem"),
    [("x", "bob", "Give a post"), ("1", "nobody", "There is no user nobody"), ("", "", "Give a")],
)
def test_an_unknown_post_or_user_is_answered_with_the_problem(
    admin_client, db, post, user, problem
):
    page = admin_client.get("/admin/operations/status/journey/", {"post": post, "user": user})
    assert problem in page.context["problem"]


def test_a_post_that_never_existed_is_reported(why, bob, fresh):
    fresh.pk = 12_345_678
    assert why(fresh, bob) == ["There is no post 12345678."]
