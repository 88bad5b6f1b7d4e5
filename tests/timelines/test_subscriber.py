"""The handlers of the subscriber: deleted posts are skipped and counted, and posts of large
audiences wait while their lane is full."""

import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from events.models import DeadLetter, InboxEntry, OutboxEvent, WaitingEvent
from events.publisher import Publisher
from events.registry import subscribers
from events.relay import relay_batch
from fanout import ledger
from fanout.slices import END, Slice
from operations import lag
from social import posts, relations
from social.models import Post
from tests.bus import depth, post_created, put, retry, slices_in, work_off
from tests.waiting import until
from timelines import backfill, fanout, tasks
from timelines.models import FanOut, SliceRecord, TimelineEntry

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
    work_off(TIMELINES, 1)
    assert not FanOut.objects.exists()
    assert WaitingEvent.objects.get().reason == f"posts that are not visible yet: [{post.pk + 1}]"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE social_post SET id = id + 1")
    retry(TIMELINES)
    assert FanOut.objects.get().pk == post.pk + 1
    assert not WaitingEvent.objects.exists()
    assert not DeadLetter.objects.exists()


def test_a_follow_whose_people_are_gone_leaves_nothing(alice, bob, post):
    follower, followee = bob.pk, alice.pk
    backfill.refresh(follower, [followee])
    assert TimelineEntry.objects.count() == 1
    relations.unfollow(bob, alice)
    bob.delete()
    backfill.refresh(follower, [followee])
    assert not TimelineEntry.objects.exists()


@pytest.fixture
def full(broker, settings):
    """timelines.low is full, and an author with one follower has a large audience."""
    settings.TIMELINE_LANE_TASKS = 1
    settings.TIMELINE_LARGE_AUDIENCE = 0
    for _ in range(50):
        put(broker, "timelines.low", b"{}")
    until(lambda: depth(broker, "timelines.low") == 50)


def publish_and_plan(broker, author, count: int = 1) -> list[int]:
    made = [posts.publish(author, "hi", now=timezone.now()) for _ in range(count)]
    for post in made:
        put(broker, TIMELINES.queue, post_created(post.pk, author.pk))
    until(lambda: depth(broker, TIMELINES.queue) == count)
    work_off(TIMELINES, count)
    return [post.pk for post in made]


def empty(broker, lane: str) -> None:
    with broker.channel() as channel:
        channel.queue_purge(lane)
    until(lambda: depth(broker, lane) == 0)


def test_a_full_lane_holds_back_only_what_goes_to_it(broker, full, alice, bob, carol):
    """Carol has no followers, and so an ordinary audience."""
    (large,) = publish_and_plan(broker, alice)
    (ordinary,) = publish_and_plan(broker, carol)
    assert slices_in(broker, "timelines.high") == [[ordinary, 0, END]]
    assert depth(broker, "timelines.low") == 50
    assert list(FanOut.objects.filter(waiting=True).values_list("pk", flat=True)) == [large]
    assert TIMELINES.lane_limits.keys() == {"timelines.high"}


def test_waiting_posts_count_as_outstanding(broker, full, alice, bob):
    earlier = posts.publish(alice, "tells how many rows a slice has", now=timezone.now())
    fanout.write([Slice(earlier.pk, 0, END)], now=timezone.now())
    OutboxEvent.objects.all().delete()
    publish_and_plan(broker, alice, 2)
    OutboxEvent.objects.all().delete()
    FanOut.objects.update(planned_at=timezone.now() - ledger.LATE)
    (found,) = (each for each in lag.lags(lag.outbox()) if each.subscriber == "timelines")
    assert found.rows_outstanding == 2
    assert not found.within_target


def test_waiting_posts_are_enqueued_when_there_is_room_again(broker, full, alice, bob, settings):
    waiting = publish_and_plan(broker, alice, 3)
    tasks.feed()
    assert depth(broker, "timelines.low") == 50
    # The posts are not late and must not be repaired: their slices were never enqueued.
    later = timezone.now() + ledger.LATE * 2
    assert ledger.late(FanOut, SliceRecord, now=later) == []
    FanOut.objects.update(planned_at=timezone.now() - ledger.LATE * 2)
    empty(broker, "timelines.low")
    tasks.feed()
    assert slices_in(broker, "timelines.low") == [[post, 0, END] for post in waiting]
    assert not FanOut.objects.filter(waiting=True).exists()
    empty(broker, "timelines.low")
    # From now on they become late as any other post.
    assert ledger.late(FanOut, SliceRecord, now=timezone.now()) == []
    assert len(ledger.late(FanOut, SliceRecord, now=later)) == 3


def test_no_more_is_enqueued_than_there_is_room_for(broker, full, alice, bob, settings):
    publish_and_plan(broker, alice, 3)
    settings.TIMELINE_TASK_ROWS = 1
    with broker.channel() as channel:
        for _ in range(2):
            channel.basic_get("timelines.low", no_ack=True)
    until(lambda: depth(broker, "timelines.low") == 48)
    tasks.feed()
    assert depth(broker, "timelines.low") == 50
    assert FanOut.objects.filter(waiting=True).count() == 1


def test_a_deleted_post_that_waits_is_closed(broker, full, alice, bob):
    (pk,) = publish_and_plan(broker, alice)
    posts.delete(Post.objects.get(pk=pk), now=timezone.now())
    empty(broker, "timelines.low")
    tasks.feed()
    assert depth(broker, "timelines.low") == 0
    assert ledger.late(FanOut, SliceRecord, now=timezone.now() + ledger.LATE * 2) == []
    assert FanOut.objects.get().finished_at


def test_deletions_and_follows_do_not_wait_for_room(broker, full, alice, bob, post):
    posts.delete(post, now=timezone.now())
    publisher = Publisher(broker.as_uri(include_password=True))
    relay_batch(publisher)
    publisher.close()
    until(lambda: depth(broker, TIMELINES.queue) >= 3)
    work_off(TIMELINES, depth(broker, TIMELINES.queue))
    assert depth(broker, TIMELINES.queue) == 0
    assert depth(broker, "timelines.low") == 52
