"""Every kind of bad event ends as a dead letter with the reason, or is skipped and counted."""

from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from events.envelope import BODY_LIMIT
from events.models import DeadLetter, InboxEntry
from events.registry import Subscriber
from tests.bus import depth, post_created, put, work_off

pytestmark = pytest.mark.django_db
QUEUE = "timeline.worker"


@pytest.fixture
def effects() -> list[int]:
    """The ids of the posts that had their effect."""
    return []


@pytest.fixture
def subscriber(effects) -> Subscriber:
    def handler(events) -> None:
        effects.extend(event.data.post_id for event in events)

    return Subscriber("timelines", QUEUE, {"post.created": handler})


def without(key: str) -> bytes:
    envelope = msgspec.json.decode(post_created())
    return msgspec.json.encode({name: v for name, v in envelope.items() if name != key})


def with_data(**changes) -> bytes:
    data = msgspec.json.decode(post_created())["data"]
    return post_created(data=data | changes)


@pytest.mark.parametrize(
    ("body", "properties", "reason"),
    [
        pytest.param(b"not json", {}, "malformed", id="not JSON"),
        pytest.param(
            post_created().decode().encode("utf-16"),
            {"content_encoding": "utf-16"},
            "malformed",
            id="UTF-16",
        ),
        pytest.param(
            post_created().replace(b"hi", b"\xe9"),
            {"content_encoding": "latin-1"},
            "codec",
            id="Latin-1",
        ),
        pytest.param(post_created(), {"content_type": "text/odd"}, "text/odd", id="content type"),
        pytest.param(
            b"\x80\x04N.",
            {"content_type": "application/x-python-serialize", "content_encoding": "binary"},
            "x-python-serialize",
            id="a pickle",
        ),
        pytest.param(b"\x80\x04N.", {}, "malformed", id="a pickle that calls itself JSON"),
        pytest.param(without("event_id"), {}, "event_id", id="no event_id"),
        pytest.param(without("timestamp"), {}, "timestamp", id="no timestamp"),
        pytest.param(without("data"), {}, "data", id="no data"),
        pytest.param(with_data(post_id="1"), {}, "post_id", id="an id as text"),
        pytest.param(post_created(event_id=5), {}, "event_id", id="a number for an event_id"),
        pytest.param(post_created(event_type="post.liked"), {}, "post.liked", id="event_type"),
        pytest.param(
            b"5", {"headers": {"task": "timelines.write_slices"}}, "got `int`", id="5, for a worker"
        ),
        pytest.param(
            with_data(content="x" * 15 * 1000 * 1000), {}, f"at most {BODY_LIMIT:,}", id="15 MB"
        ),
    ],
)
def test_an_invalid_event_is_a_dead_letter_with_the_reason_and_others_are_unaffected(
    broker, subscriber, effects, body, properties, reason
):
    put(broker, QUEUE, post_created(1))
    put(broker, QUEUE, body, **properties)
    put(broker, QUEUE, post_created(2))
    work_off(subscriber, 3)
    assert effects == [1, 2]
    assert InboxEntry.objects.count() == 2
    assert depth(broker, QUEUE) == 0
    letter = DeadLetter.objects.get()
    assert (letter.queue, letter.exception_type) == (QUEUE, "EnvelopeError")
    assert reason in letter.exception_message
    assert bytes(letter.body) == body


def skipped() -> float:
    known = {"what": "known event"}
    return REGISTRY.get_sample_value("connectify_events_skipped_total", known) or 0.0


def test_an_event_replayed_a_week_later_has_no_effect_and_is_counted(broker, subscriber, effects):
    before = skipped()
    week = timedelta(days=7)
    body = post_created(7, timestamp=timezone.now() - week)
    put(broker, QUEUE, body)
    work_off(subscriber, 1)
    InboxEntry.objects.update(received_at=timezone.now() - week)
    put(broker, QUEUE, body)
    with capture_logs() as lines:
        work_off(subscriber, 1)
    assert effects == [7]
    assert depth(broker, QUEUE) == depth(broker, "dead.letters") == 0
    assert skipped() == before + 1
    known = {"event": "known events skipped", "subscriber": "timelines", "count": 1}
    assert known.items() <= lines[-1].items()


def test_an_event_older_than_the_inbox_rows_is_a_dead_letter(broker, subscriber, effects):
    put(broker, QUEUE, post_created(7, timestamp=timezone.now() - timedelta(days=9)))
    work_off(subscriber, 1)
    assert effects == []
    assert "9 days old" in DeadLetter.objects.get().exception_message


def age(what: str) -> float:
    name = f"connectify_events_age_seconds_{what}"
    return REGISTRY.get_sample_value(name, {"subscriber": "timelines"}) or 0.0


def test_an_event_from_the_future_has_its_effect_and_counts_as_new(broker, subscriber, effects):
    count, seconds = age("count"), age("sum")
    put(broker, QUEUE, post_created(7, timestamp=timezone.now() + timedelta(days=400)))
    work_off(subscriber, 1)
    assert effects == [7]
    assert depth(broker, "dead.letters") == 0
    assert (age("count"), age("sum")) == (count + 1, seconds)


def test_a_reused_id_raises_an_alert(broker, subscriber, effects):
    put(broker, QUEUE, post_created(1, event_id="evt_same"))
    put(broker, QUEUE, post_created(2, event_id="evt_same"))
    with capture_logs() as lines:
        work_off(subscriber, 2)
    assert effects == [1]
    alerts = [line for line in lines if line["log_level"] == "error"]
    assert [alert["event"] for alert in alerts] == ["event id reused"]
    assert DeadLetter.objects.get().exception_type == "EventIdReusedError"
