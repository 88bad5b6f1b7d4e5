"""Events about what has vanished meanwhile: success, and counted."""

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from events.models import DeadLetter, InboxEntry
from events.registry import subscribers
from social import posts, relations
from social.slices import END, Slice
from tests.bus import depth, post_created, put, slices_in, work_off
from tests.waiting import until
from timelines import backfill, fanout
from timelines.models import FanOut, TimelineEntry

pytestmark = pytest.mark.django_db
TIMELINES = subscribers["timelines"]


def test_an_event_about_a_deleted_post_makes_no_task_and_is_counted(broker, post, bob):
    posts.delete(post, now=timezone.now())
    put(broker, TIMELINES.queue, post_created(post.pk, post.author_id))
    with capture_logs() as lines:
        work_off(TIMELINES, 1)
    assert {"event": "deleted posts skipped", "count": 1}.items() <= lines[-1].items()
    assert InboxEntry.objects.count() == 1
    assert not FanOut.objects.exists()
    for queue in (TIMELINES.queue, "timelines.high", "timelines.low", "dead.letters"):
        assert depth(broker, queue) == 0


def test_several_events_become_one_task_and_a_large_audience_has_a_lane_of_its_own(
    broker, alice, bob, carol, now, settings
):
    settings.TIMELINE_LARGE_AUDIENCE = 1
    relations.follow(carol, bob, now=now)
    relations.follow(alice, bob, now=now)
    authors = (alice, bob, alice)
    written = [posts.publish(author, "hi", now=now) for author in authors]
    for one in written:
        put(broker, TIMELINES.queue, post_created(one.pk, one.author_id))
    until(lambda: depth(broker, TIMELINES.queue) == 3)
    work_off(TIMELINES, 3)
    assert slices_in(broker, "timelines.high") == [[one.pk, 0, END] for one in written[::2]]
    assert slices_in(broker, "timelines.low") == [[written[1].pk, 0, END]]
    for lane in ("timelines.high", "timelines.low"):
        assert depth(broker, lane) == 0


def test_a_slice_of_a_deleted_post_is_written_to_nobody_and_counted(post, bob):
    posts.delete(post, now=timezone.now())
    with capture_logs() as lines:
        assert fanout.write([Slice(post.pk, 0, END)], now=timezone.now()) == 0
    assert {"event": "slices of deleted posts skipped", "count": 1}.items() <= lines[-1].items()
    assert not TimelineEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_about_a_post_that_is_not_visible_yet_waits_for_it(broker, post, bob):
    put(broker, TIMELINES.queue, post_created(post.pk + 1, post.author_id))
    clock = iter(range(0, 1_000, 25))
    work_off(TIMELINES, 1, lambda: float(next(clock)))
    assert not FanOut.objects.exists()
    assert depth(broker, "dead.letters") == 1
    assert not InboxEntry.objects.exists()
    assert not DeadLetter.objects.exists()


def test_a_follow_whose_people_are_gone_leaves_nothing(alice, bob, post):
    follower, followee = bob.pk, alice.pk
    backfill.refresh(follower, [followee])
    assert TimelineEntry.objects.count() == 1
    relations.unfollow(bob, alice)
    bob.delete()
    backfill.refresh(follower, [followee])
    assert not TimelineEntry.objects.exists()
