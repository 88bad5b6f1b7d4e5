import msgspec
import pytest

from analytics.models import DailyCount, EventRecord
from analytics.recording import record
from analytics.rollups import roll_up
from analytics.subscriber import TAKEN
from events.envelope import Event
from events.registry import decode_event, event_types
from tests.at_once import at_once
from tests.bus import post_created

pytestmark = pytest.mark.django_db


def event(event_id: str, event_type: str, day: int = 15, **data) -> Event:
    moment = f"2026-01-{day}T23:59:59Z"
    data = {"post_id": 1, "author_id": 2, "content": "hi", "posted_at": moment} | data
    data |= {"created_at": moment, "edited_at": moment}
    envelope = {"event_id": event_id, "event_type": event_type, "timestamp": moment, "data": data}
    return decode_event(msgspec.json.encode(envelope), None)


def counts() -> dict:
    return {(c.day.day, c.metric): c.count for c in DailyCount.objects.all()}


def test_counts_are_exact_by_event_id():
    batch = [
        event("e1", "post.created"),
        event("e2", "timeline.delivered", rows=40),
        event("e3", "timeline.delivered", rows=2),
        event("e4", "push.settled", sent=5, failed=1),
        event("e5", "post.created", day=16),
    ]
    assert record(batch) == 5
    assert roll_up() == 5
    # Redelivered, and rolled up again, alone and among new ones.
    assert record(batch) == 0
    assert roll_up() == 0
    assert record([*batch[:2], event("e6", "post.created"), event("e6", "post.created")]) == 1
    assert roll_up() == 1
    assert counts() == {
        (15, "posts"): 2,
        (15, "timeline_rows"): 42,
        (15, "pushes_sent"): 5,
        (15, "pushes_failed"): 1,
        (16, "posts"): 1,
    }


def test_an_event_that_counts_nothing_is_recorded_all_the_same():
    assert record([event("e1", "post.edited")]) == 1
    assert roll_up() == 1
    assert counts() == {}


def test_what_a_post_says_is_not_kept():
    record([decode_event(post_created(7), None)])
    assert set(EventRecord.objects.get().data) == {"post_id", "author_id", "created_at"}


def test_every_event_type_there_is_is_taken():
    assert set(TAKEN) == set(event_types)


@pytest.mark.django_db(transaction=True)
def test_rollups_that_run_at_once_count_each_event_once():
    record([event(f"e{n}", "post.created") for n in range(300)])
    at_once(roll_up)
    assert counts() == {(15, "posts"): 300}
