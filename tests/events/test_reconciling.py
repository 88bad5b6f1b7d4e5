import os
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import Error, connection
from django.db.models.functions import Now
from django.utils import timezone

from events import healing, relay
from events.introduction import introduce
from events.models import DeadLetter, InboxEntry, OutboxEvent, Reconciliation
from events.publisher import Publisher
from events.reconciling import BATCH, GRACE, empty_queues, reconcile, reconcile_all
from events.registry import Subscriber, register_subscriber, subscribers
from social import posts
from tests.bus import depth, work_off
from tests.commands import start
from tests.events.test_processing import Recording
from tests.operations.test_plans import GROWING
from tests.plans import rows_read
from tests.waiting import until

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
    """Move the times of everything that was done so far into the past."""
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
    introduce()
    Reconciliation.objects.update(complete_until=timezone.now() - timedelta(days=8))
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


def db_now():
    return OutboxEvent.objects.annotate(now=Now()).values_list("now", flat=True)[0]


def reconcile_twice() -> int:
    """One run that finds the queue empty and, after the grace, the next run."""
    pass_time()
    sent = reconcile(TIMELINES, db_now())
    Reconciliation.objects.filter(empty_at__isnull=False).update(empty_at=timezone.now())
    return sent + reconcile(TIMELINES, db_now())


def test_a_lost_event_is_sent_again_to_its_subscriber_only(broker, publisher, lost):
    assert reconcile_twice() == 1
    relay.relay_batch(publisher)
    assert [depth(broker, name) for name in (QUEUE, *OTHERS)] == [1, 1, 1]
    handler = Recording()
    work_off(handler.subscriber, 1)
    assert len(handler.calls) == 1
    # It is in the inbox now, and is not sent a third time.
    assert reconcile_twice() == 0


def test_reconciling_binds_an_unbound_queue_again(broker, publisher, lost, alice):
    empty_queues(os.environ["BROKER_URL"])
    posts.publish(alice, "again", now=timezone.now())
    relay.relay_batch(publisher)
    assert depth(broker, QUEUE) == 1


def test_an_event_that_had_its_effect_is_not_sent_again(broker, publisher, lost):
    InboxEntry.objects.create(
        subscriber="timelines", event_id=lost.event_id, body_hash=b"", received_at=timezone.now()
    )
    assert reconcile_twice() == 0


def test_nothing_is_sent_again_while_the_queue_is_not_empty(broker, lost):
    pass_time()
    assert reconcile(TIMELINES, None) == 0
    assert reconcile(TIMELINES, None) == 0


def test_an_event_published_just_now_is_not_sent_again(broker, publisher, lost):
    assert reconcile(TIMELINES, db_now()) == 0
    # Within the grace a consumer may still hold the event.
    assert timezone.now() - OutboxEvent.objects.first().published_at < GRACE
    assert reconcile(TIMELINES, db_now()) == 0


def test_a_resent_event_that_is_lost_again_is_sent_again(broker, publisher, lost):
    assert reconcile_twice() == 1
    relay.relay_batch(publisher)
    broker.channel().queue_purge(QUEUE)
    assert reconcile_twice() == 1


@pytest.mark.parametrize(("beginning", "sent"), [("now", 0), ("earliest", 1)])
def test_a_new_subscriber_starts_where_it_says(lost, beginning, sent):
    new = Subscriber("new", "new.worker", {"post.created": lambda events: None}, start=beginning)
    pass_time(minutes=60)
    with registered(new):
        introduce()
    Reconciliation.objects.update(empty_at=timezone.now() + GRACE)
    assert reconcile(new, None) == sent
    assert OutboxEvent.objects.filter(routing_key="new.worker").count() == sent


@contextmanager
def registered(subscriber: Subscriber):
    register_subscriber(subscriber)
    try:
        yield
    finally:
        del subscribers[subscriber.name]


def test_any_other_start_of_a_subscriber_is_refused():
    with pytest.raises(ValueError, match="'now' or 'earliest'"):
        Subscriber("new", "new.worker", {}, start="yesterday")


def test_an_event_that_is_already_being_resent_is_not_sent_again(lost):
    assert reconcile_twice() == 1
    Reconciliation.objects.update(complete_until=timezone.now() - timedelta(days=8))
    assert reconcile(TIMELINES, None) == 0
    assert OutboxEvent.objects.filter(exchange="").count() == 1


def test_a_known_subscriber_keeps_its_place(lost):
    Reconciliation.objects.update(complete_until=timezone.now() - timedelta(days=3))
    known = list(Reconciliation.objects.order_by("subscriber").values())
    introduce()
    assert list(Reconciliation.objects.order_by("subscriber").values()) == known


@pytest.mark.parametrize("command", [("relay_outbox",), ("consume", "timelines")])
def test_a_process_records_where_subscribers_start_before_it_declares_their_queues(broker, command):
    """Otherwise a queue that is wiped before the first run would lose its events."""
    process = start(*command)
    try:
        until(lambda: Reconciliation.objects.count() == len(subscribers), 20)
    finally:
        process.terminate()
        process.wait(20)
    assert not Reconciliation.objects.filter(complete_until__gt=timezone.now()).exists()


def test_an_empty_queue_without_a_consumer_is_not_trusted(broker):
    assert QUEUE not in empty_queues(os.environ["BROKER_URL"])
    with broker.channel() as channel:
        channel.basic_consume(QUEUE, callback=lambda message: None)
        assert QUEUE in empty_queues(os.environ["BROKER_URL"])


def test_a_long_history_is_reconciled_in_batches_that_are_committed(lost):
    """An interrupted run has committed its batches; the next run continues from there."""
    fill(published=3 * BATCH)
    began = timezone.now() - timedelta(days=1)
    Reconciliation.objects.update(complete_until=began, empty_at=timezone.now())
    assert reconcile(TIMELINES, None, limit=1) == BATCH
    halfway = Reconciliation.objects.get(subscriber="timelines").complete_until
    assert began < halfway < timezone.now() - timedelta(hours=1)
    assert reconcile(TIMELINES, None, limit=1) == BATCH
    assert reconcile(TIMELINES, None) == BATCH
    assert reconcile(TIMELINES, None) == 0
    sent = OutboxEvent.objects.filter(exchange="").values("event_id").distinct()
    assert sent.count() == OutboxEvent.objects.filter(exchange="").count() == 3 * BATCH


def test_events_of_one_moment_are_in_one_batch(lost):
    """A relay marks many events with the same moment."""
    fill(published=BATCH + 50, seconds_apart=0)
    Reconciliation.objects.update(
        complete_until=timezone.now() - timedelta(days=1), empty_at=timezone.now()
    )
    assert reconcile(TIMELINES, None) == BATCH + 50


def test_a_batch_reads_little_however_long_the_history_is(lost):
    fill(published=20 * BATCH, inbox=True)
    with connection.cursor() as cursor:
        for table in ("events_outboxevent", "events_inboxentry", "events_deadletter"):
            cursor.execute(f"ANALYZE {table}")
    began = timezone.now() - timedelta(days=1)
    Reconciliation.objects.update(complete_until=began, empty_at=timezone.now())
    asked = []

    def note(execute, sql, params, many, context):
        if "published_at > %(since)s" in sql:
            asked.append((sql, dict(params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert reconcile(TIMELINES, None) == 0
    assert len(asked) > 60
    for sql, params in asked[::10]:
        assert rows_read(GROWING, sql, params) <= 3 * BATCH


def test_an_error_at_one_subscriber_does_not_stop_the_others(broker, publisher, lost):
    pass_time()
    Reconciliation.objects.update(empty_at=timezone.now())
    first, second, *_ = subscribers.values()
    with connection.cursor() as cursor:
        cursor.execute(FAILING % first.name)
    try:
        with pytest.raises(Error, match="no way"):
            reconcile_all()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fail() CASCADE")
    assert OutboxEvent.objects.filter(exchange="", routing_key=second.queue).count() == 1


FAILING = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'no way'; END $$;
    CREATE TRIGGER failing BEFORE UPDATE ON events_reconciliation FOR EACH ROW
        WHEN (old.subscriber = '%s') EXECUTE FUNCTION fail()
"""


@pytest.fixture
def replayed(broker, publisher, lost) -> DeadLetter:
    """A letter about the lost event, which was replayed; the replay's message was lost too."""
    letter = DeadLetter.objects.create(
        queue=QUEUE,
        message_id=lost.event_id,
        body=lost.body,
        first_failed_at=timezone.now(),
        last_failed_at=timezone.now(),
    )
    assert reconcile_twice() == 0  # The event ended as a letter.
    healing.replay(healing.select({}))
    assert reconcile_twice() == 0  # The replay is still in the outbox.
    relay.relay_batch(publisher)
    broker.channel().queue_purge(QUEUE)
    return letter


def test_a_replay_that_is_lost_after_its_publication_is_sent_again(broker, publisher, replayed):
    assert reconcile_twice() == 1
    relay.relay_batch(publisher)
    handler = Recording()
    work_off(handler.subscriber, 1)
    assert len(handler.calls) == 1
    assert reconcile_twice() == 0
    replayed.refresh_from_db()
    assert replayed.healed_at


def test_a_replay_that_failed_again_or_was_given_up_is_not_sent_again(replayed):
    for state in (DeadLetter.State.OPEN, DeadLetter.State.DISCARDED):
        DeadLetter.objects.update(state=state)
        assert reconcile_twice() == 0


def test_a_replay_that_the_inbox_cannot_recognise_is_not_sent_endlessly(publisher, replayed):
    """The message id of another program's message may differ from its event id, and our outbox does
    not have its event."""
    OutboxEvent.objects.exclude(exchange="").delete()
    assert reconcile_twice() == 0
    DeadLetter.objects.update(replayed_at=timezone.now() - healing.UNSETTLED_AFTER)
    assert healing.unsettled().count() == 1


def fill(published: int, *, seconds_apart: int = 1, inbox: bool = False) -> None:
    """One event per second, published within the last hours but before the last hour."""
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED, [seconds_apart, published])
        if inbox:
            cursor.execute(TAKEN)


PUBLISHED = """
    INSERT INTO events_outboxevent (event_id, exchange, routing_key, headers, properties, body,
        created_at, due_at, published_at, attempts, last_error)
    SELECT 'evt_' || number, 'posts.fanout', 'post.created', '{}', '{}', '', at, at, at, 0, ''
    FROM (
        SELECT number, now() - interval '2 hours' - number * %s * interval '1 second' AS at
        FROM generate_series(1, %s) AS number
    ) AS event
"""
TAKEN = """
    INSERT INTO events_inboxentry (subscriber, event_id, body_hash, received_at)
    SELECT 'timelines', event_id, '', now() FROM events_outboxevent
"""
