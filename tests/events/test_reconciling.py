import os
from datetime import timedelta

import pytest
from django.utils import timezone

from events import relay
from events.models import InboxEntry, OutboxEvent, Reconciliation
from events.publisher import Publisher
from events.reconciling import GRACE, queue_depths, reconcile
from events.registry import subscribers
from social import posts
from tests.bus import depth, work_off
from tests.events.test_processing import Recording

pytestmark = pytest.mark.django_db(transaction=True)
TIMELINES = subscribers["timelines"]
QUEUE = TIMELINES.queue
OTHERS = ("push.worker", "analytics.worker")


@pytest.fixture
def publisher():
    publisher = Publisher(os.environ["BROKER_URL"])
    yield publisher
    publisher.close()


def pass_time(minutes: int = 10) -> None:
    """Let everything that was done so far have been done that much earlier."""
    past = timedelta(minutes=minutes)
    for event in OutboxEvent.objects.exclude(published_at=None):
        event.published_at -= past
        event.save()
    for state in Reconciliation.objects.exclude(empty_at=None):
        state.empty_at -= past
        state.complete_until -= past
        state.save()


@pytest.fixture
def lost(broker, publisher, alice, now) -> OutboxEvent:
    """An event that was published while the timelines' queue was not bound."""
    posts.publish(alice, "the publisher declares the queues when it connects", now=timezone.now())
    relay.relay_batch(publisher)
    OutboxEvent.objects.all().delete()
    with broker.channel() as channel:
        for name in (QUEUE, *OTHERS):
            channel.queue_purge(name)
        channel.queue_unbind(QUEUE, "posts.fanout")
    posts.publish(alice, "hello", now=timezone.now())
    relay.relay_batch(publisher)
    assert [depth(broker, name) for name in (QUEUE, *OTHERS)] == [0, 1, 1]
    return OutboxEvent.objects.get(routing_key="post.created")


def reconcile_twice(broker) -> int:
    """One look that sees the queue empty, and, past the grace, the next one."""
    pass_time()
    empty = queue_depths(os.environ["BROKER_URL"])[QUEUE] == 0
    sent = reconcile(TIMELINES, empty)
    Reconciliation.objects.filter(empty_at__isnull=False).update(empty_at=timezone.now())
    return sent + reconcile(TIMELINES, empty)


def test_a_lost_event_is_sent_again_to_its_subscriber_alone(broker, publisher, lost):
    assert reconcile_twice(broker) == 1
    relay.relay_batch(publisher)
    assert [depth(broker, name) for name in (QUEUE, *OTHERS)] == [1, 1, 1]
    handler = Recording()
    work_off(handler.subscriber, 1)
    assert len(handler.calls) == 1
    # It is there now, and is not sent a third time.
    assert reconcile_twice(broker) == 0


def test_the_look_mends_what_was_unbound(broker, publisher, lost, alice):
    queue_depths(os.environ["BROKER_URL"])
    posts.publish(alice, "again", now=timezone.now())
    relay.relay_batch(publisher)
    assert depth(broker, QUEUE) == 1


def test_an_event_that_had_its_effect_is_not_sent_again(broker, publisher, lost):
    InboxEntry.objects.create(
        subscriber="timelines", event_id=lost.event_id, body_hash=b"", received_at=timezone.now()
    )
    assert reconcile_twice(broker) == 0


def test_while_the_queue_is_not_empty_nothing_is_known_to_be_lost(broker, lost):
    pass_time()
    assert reconcile(TIMELINES, empty=False) == 0
    assert reconcile(TIMELINES, empty=False) == 0


def test_what_was_published_just_now_is_left_alone(broker, publisher, lost):
    reconcile(TIMELINES, empty=True)
    # Within the grace a consumer may hold it.
    assert timezone.now() - OutboxEvent.objects.first().published_at < GRACE
    assert reconcile(TIMELINES, empty=True) == 0


def test_a_resent_event_that_is_lost_again_is_sent_again(broker, publisher, lost):
    assert reconcile_twice(broker) == 1
    relay.relay_batch(publisher)
    broker.channel().queue_purge(QUEUE)
    assert reconcile_twice(broker) == 1
