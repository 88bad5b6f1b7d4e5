"""The ids of a request are in the headers of its event, of its tasks, and of the tasks' events."""

import pytest
from structlog.contextvars import clear_contextvars, get_contextvars

from events import trace
from events.registry import Subscriber
from tests.bus import post_created, put, work_off
from tests.worker_app import note_text

QUEUE = "timeline.worker"
LANE = "timelines.low"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_context():
    clear_contextvars()
    yield
    clear_contextvars()


def test_a_task_has_the_ids_of_the_events_that_caused_it(broker):
    def enqueue(events) -> None:
        note_text.enqueue(lane=LANE, path="nowhere", text="hi")

    for number in (1, 2):
        headers = {"request_id": f"request-{number}", "traceparent": TRACEPARENT}
        body = post_created(number, event_id=f"evt_{number}")
        put(broker, QUEUE, body, headers=headers)
    work_off(Subscriber("timelines", QUEUE, {"post.created": enqueue}), 2)
    message = broker.channel().basic_get(LANE)
    carried = {name: message.headers[name] for name in trace.CARRIED}
    assert carried == {
        "request_id": "request-1,request-2",
        "event_id": "evt_1,evt_2",
        "traceparent": TRACEPARENT,
    }
    assert get_contextvars() == {}


def test_the_log_and_the_events_of_a_task_have_its_ids():
    note_text.push_request(request_id="request-1", event_id="evt_1", traceparent=TRACEPARENT)
    try:
        note_text.before_start("task-1", [], {})
    finally:
        note_text.pop_request()
    assert get_contextvars() == {
        "task_id": "task-1",
        "request_id": "request-1",
        "event_id": "evt_1",
        "traceparent": TRACEPARENT,
    }
    assert trace.event_headers() == {"request_id": "request-1", "traceparent": TRACEPARENT}


def test_a_task_has_no_ids_of_the_previous_task():
    for request_id in ("request-1", None):
        note_text.push_request(request_id=request_id)
        note_text.before_start("task", [], {})
        note_text.pop_request()
    assert get_contextvars() == {"task_id": "task"}


def test_each_event_without_a_trace_starts_a_new_one():
    first, second = trace.event_headers(), trace.event_headers()
    assert first["traceparent"] != second["traceparent"]
    assert "request_id" not in first
