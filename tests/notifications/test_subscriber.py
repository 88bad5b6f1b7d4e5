"""Events and tasks about deleted posts and closed accounts succeed, and are counted."""

from uuid import uuid4

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from events.models import InboxEntry
from events.registry import subscribers
from fanout.slices import END, Slice
from notifications.delivery import pushing
from notifications.models import Delivery, FanOut, Preference
from social import posts
from tests.bus import depth, post_created, put, work_off

pytestmark = pytest.mark.django_db
NOTIFICATIONS = subscribers["notifications"]


@pytest.fixture
def deleted(post, bob):
    """A deleted post of Alice's. Bob follows her and has push enabled."""
    Preference.objects.create(user=bob, push_enabled=True)
    posts.delete(post, now=timezone.now())
    return post


def test_an_event_about_a_deleted_post_makes_no_task_and_is_counted(broker, deleted):
    put(broker, NOTIFICATIONS.queue, post_created(deleted.pk, deleted.author_id))
    with capture_logs() as lines:
        work_off(NOTIFICATIONS, 1)
    assert {"event": "deleted posts skipped", "count": 1}.items() <= lines[-1].items()
    assert InboxEntry.objects.count() == 1
    assert not FanOut.objects.exists()
    for queue in (NOTIFICATIONS.queue, "notifications.high", "dead.letters"):
        assert depth(broker, queue) == 0


@pytest.mark.parametrize("vanished", ["post", "author"])
def test_a_deleted_post_or_closed_author_is_skipped_and_counted(post, bob, alice, vanished):
    if vanished == "post":
        posts.delete(post, now=timezone.now())
    else:
        type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    with capture_logs() as lines:
        assert pushing.push_slices([Slice(post.pk, 0, END)], task=uuid4(), clock=timezone.now) == []
    skipped = {"event": "slices of deleted posts or closed accounts skipped", "count": 1}
    assert skipped.items() <= lines[-1].items()
    assert not Delivery.objects.exists()
