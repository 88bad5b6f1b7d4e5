"""Lag, on real tables and a real broker."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from events.models import DeadLetter, OutboxEvent
from events.publisher import Publisher
from events.registry import subscribers
from events.relay import relay_batch
from operations import lag
from social import posts
from tests.bus import work_off
from timelines.tasks import write_slices

pytestmark = pytest.mark.django_db


GROWN = """
    WITH week AS (
        SELECT number, now() - number * interval '20 seconds' AS at
        FROM generate_series(1, 30000) AS number
    ), posts AS (
        INSERT INTO social_post (id, author_id, content, created_at)
        SELECT number, %(author)s, 'hi', at FROM week
    ), sent AS (
        INSERT INTO events_outboxevent (event_id, exchange, routing_key, headers, properties, body,
            created_at, due_at, published_at, attempts, last_error)
        SELECT 'evt_' || number, 'posts.fanout', 'post.created', '{}', '{}', '', at, at, at, 0, ''
        FROM week
    ), taken AS (
        INSERT INTO events_inboxentry (subscriber, event_id, body_hash, received_at)
        SELECT name, 'evt_' || number, '', at
        FROM week, unnest('{timelines,notifications,analytics}'::text[]) AS name
    ), begun AS (
        INSERT INTO timelines_fanout (post_id, slices, planned_at, finished_at)
        SELECT number, 1, at, CASE WHEN number > 9 THEN at END FROM week
    )
    INSERT INTO timelines_slicerecord (post_id, after, up_to, rows, written_at)
    SELECT number, 0, 9223372036854775807, 1000, at FROM week
"""


@pytest.fixture
def publisher(broker):
    publisher = Publisher(broker.as_uri(include_password=True))
    yield publisher
    publisher.close()


@pytest.fixture(autouse=True)
def quiet(bob):
    """Bob has followed Alice long ago."""
    OutboxEvent.objects.all().delete()


@pytest.fixture
def grown(alice):
    """A week of posts, all of them long worked off."""
    with connection.cursor() as cursor:
        cursor.execute(GROWN, {"author": alice.pk})
        for table in ("events_outboxevent", "events_inboxentry", "timelines_slicerecord"):
            cursor.execute(f"ANALYZE {table}")
        cursor.execute("ANALYZE social_post")


def told(name: str = "timelines") -> lag.Lag:
    return next(each for each in lag.lags(lag.outbox()) if each.subscriber == name)


def age(seconds: float) -> None:
    """Make everything that is on its way so much older."""
    delta = timedelta(seconds=seconds)
    for row in OutboxEvent.objects.all():
        row.created_at, row.due_at = row.created_at - delta, row.due_at - delta
        row.save()


def test_nothing_waits_in_an_idle_house(db, broker):
    for each in lag.lags(lag.outbox()):
        assert (each.oldest_seconds, each.depth, each.rows_outstanding) == (0.0, 0, 0)
        assert each.seconds_to_drain == 0.0
        assert each.within_target


def test_a_post_is_followed_from_outbox_to_queue_to_lane_to_rows(alice, publisher):
    earlier = posts.publish(alice, "tells how many rows a post has", now=timezone.now())
    write_slices(slices=[[earlier.pk, 0, 2**63 - 1]])
    OutboxEvent.objects.all().delete()
    posts.publish(alice, "hi", now=timezone.now())
    age(40)

    assert lag.outbox()["post.created"].count == 1
    assert told().oldest_seconds == pytest.approx(40, abs=5)
    assert not told().within_target

    relay_batch(publisher)
    assert lag.outbox() == {}
    assert told().oldest_seconds == pytest.approx(40, abs=5)
    assert (told().depth, told().rows_outstanding) == (1, 1)
    assert told().seconds_to_drain is None

    work_off(subscribers["timelines"], 1)
    late = told()
    assert (late.depth, late.lanes) == (0, {"timelines.high": 1, "timelines.low": 0})
    assert late.rows_outstanding == 1
    assert late.oldest_seconds < 5

    write_slices(slices=[[earlier.pk + 1, 0, 2**63 - 1]])
    assert (told().rows_outstanding, told().seconds_to_drain) == (0, 0.0)
    assert told().rows_per_second == pytest.approx(1 / 60, abs=0.001)
    assert told("notifications").depth == told("analytics").depth == 1


def test_an_event_that_became_a_dead_letter_does_not_wait(alice, publisher):
    posts.publish(alice, "hi", now=timezone.now())
    relay_batch(publisher)
    age(40)
    event = OutboxEvent.objects.get(routing_key="post.created")
    DeadLetter.objects.create(
        queue="timeline.worker",
        message_id=event.event_id,
        body=b"",
        first_failed_at=timezone.now(),
        last_failed_at=timezone.now(),
    )
    assert told("timelines").oldest_seconds == 0
    assert told("notifications").oldest_seconds > 30


def test_the_slices_of_a_deleted_post_are_not_waited_for(alice, publisher):
    post = posts.publish(alice, "hi", now=timezone.now())
    relay_batch(publisher)
    work_off(subscribers["timelines"], 1)
    posts.delete(post, now=timezone.now())
    OutboxEvent.objects.all().delete()
    assert (told().oldest_seconds, told().lanes["timelines.high"]) == (0, 1)


def test_a_future_timestamp_counts_as_no_lag(alice, publisher):
    posts.publish(alice, "hi", now=timezone.now() + timedelta(hours=1))
    relay_batch(publisher)
    assert told().oldest_seconds == 0


def test_without_the_broker_all_but_depths_is_told(alice, settings):
    settings.BROKER_URL = "amqp://127.0.0.1:1//"
    posts.publish(alice, "hi", now=timezone.now())
    age(40)
    assert told().depth is told().lanes is None
    assert not told().within_target
    out = io.StringIO()
    call_command("lag", stdout=out)
    assert "timelines: LATE, oldest 4" in out.getvalue()
    assert "broker unreachable" in out.getvalue()


def test_the_command_speaks_json(db, broker):
    out = io.StringIO()
    call_command("lag", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["outbox"] == {"pending": 0, "oldest_seconds": 0.0}
    assert set(found["subscribers"]) == set(subscribers)
    assert found["subscribers"]["notifications"]["target_seconds"] == 5.0


@pytest.mark.parametrize(
    ("sql", "parameters", "big"),
    [
        (lag.PENDING, [lag.PENDING_LIMIT], "events_outboxevent"),
        (
            lag.OLDEST,
            {"subscriber": "timelines", "queue": "timeline.worker", "types": ["post.created"]},
            "events_outboxevent events_inboxentry events_deadletter",
        ),
        (lag.HANDLED, [60], "events_inboxentry"),
        (lag.LEDGER.format(app="timelines"), [60], "timelines_slicerecord social_post"),
    ],
    ids=["pending", "oldest", "handled", "ledger"],
)
def test_no_statement_scans_a_table_that_grows_with_the_posts(grown, sql, parameters, big):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", parameters)
        plan = "\n".join(row[0] for row in cursor)
    assert not [table for table in big.split() if f"Seq Scan on {table}" in plan], plan
