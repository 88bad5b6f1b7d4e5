"""Lag, on real tables and a real broker."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
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


@pytest.fixture
def publisher(broker):
    publisher = Publisher(broker.as_uri(include_password=True))
    yield publisher
    publisher.close()


@pytest.fixture(autouse=True)
def quiet(bob):
    """Bob has followed Alice for long."""
    OutboxEvent.objects.all().delete()


def lag_of(name: str = "timelines") -> lag.Lag:
    return next(each for each in lag.lags(lag.outbox()) if each.subscriber == name)


def age(seconds: float) -> None:
    """Move the times of everything that is on its way into the past."""
    delta = timedelta(seconds=seconds)
    for row in OutboxEvent.objects.all():
        row.created_at, row.due_at = row.created_at - delta, row.due_at - delta
        row.save()


def test_nothing_waits_in_an_idle_system(db, broker):
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
    assert lag_of().oldest_seconds == pytest.approx(40, abs=5)
    assert not lag_of().within_target

    relay_batch(publisher)
    assert lag.outbox() == {}
    assert lag_of().oldest_seconds == pytest.approx(40, abs=5)
    assert (lag_of().depth, lag_of().rows_outstanding) == (1, 1)
    assert lag_of().seconds_to_drain is None

    work_off(subscribers["timelines"], 1)
    late = lag_of()
    assert (late.depth, late.lanes) == (0, {"timelines.high": 1, "timelines.low": 0})
    assert late.rows_outstanding == 1
    assert late.oldest_seconds < 5

    write_slices(slices=[[earlier.pk + 1, 0, 2**63 - 1]])
    assert (lag_of().rows_outstanding, lag_of().seconds_to_drain) == (0, 0.0)
    assert lag_of().rows_per_second == pytest.approx(1 / 60, abs=0.001)
    assert lag_of("notifications").depth == lag_of("analytics").depth == 1


def test_an_event_that_became_a_dead_letter_does_not_wait(alice, publisher):
    posts.publish(alice, "hi", now=timezone.now())
    relay_batch(publisher)
    age(40)
    event = OutboxEvent.objects.get(routing_key="post.created")
    DeadLetter.objects.create(
        queue="timeline.worker",
        message_id=event.event_id,
        body=event.body,
        first_failed_at=timezone.now(),
        last_failed_at=timezone.now(),
    )
    assert lag_of("timelines").oldest_seconds == 0
    assert lag_of("notifications").oldest_seconds > 30


def test_missing_slices_of_a_deleted_post_do_not_count(alice, publisher):
    post = posts.publish(alice, "hi", now=timezone.now())
    relay_batch(publisher)
    work_off(subscribers["timelines"], 1)
    posts.delete(post, now=timezone.now())
    OutboxEvent.objects.all().delete()
    assert (lag_of().oldest_seconds, lag_of().lanes["timelines.high"]) == (0, 1)


def test_a_future_timestamp_counts_as_no_lag(alice, publisher):
    posts.publish(alice, "hi", now=timezone.now() + timedelta(hours=1))
    relay_batch(publisher)
    assert lag_of().oldest_seconds == 0


def test_without_the_broker_everything_but_depths_is_reported(alice, settings):
    settings.BROKER_URL = "amqp://127.0.0.1:1//"
    posts.publish(alice, "hi", now=timezone.now())
    age(40)
    timelines = lag_of()
    assert timelines.depth is timelines.lanes is None
    assert not timelines.within_target
    out = io.StringIO()
    call_command("lag", stdout=out)
    assert "timelines: LATE, oldest 4" in out.getvalue()
    assert "broker unreachable" in out.getvalue()


def test_the_command_prints_json(db, broker):
    out = io.StringIO()
    call_command("lag", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["outbox"] == {"pending": 0, "oldest_seconds": 0.0}
    assert set(found["subscribers"]) == set(subscribers)
    assert found["subscribers"]["notifications"]["target_seconds"] == 5.0


def test_a_push_service_that_rejects_us_is_reported(broker, rejecting):
    rejection = f"most pushes to {rejecting} get 401 or 403"
    call_command("lag", "--json", stdout=(out := io.StringIO()))
    assert [each[: len(rejection)] for each in json.loads(out.getvalue())["push_services"]] == [
        rejection
    ]
    call_command("lag", stdout=(out := io.StringIO()))
    assert f"REJECTED: {rejection}" in out.getvalue()
