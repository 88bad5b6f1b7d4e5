import pytest

from celery_app import app
from events.errors import PassingError, wrap_passing_errors
from tests.bus import depth
from tests.worker_app import note_text

LANE = "timelines.low"


def enqueue() -> None:
    note_text.enqueue(lane=LANE, path="nowhere", text="hi")


def test_a_task_is_stored_when_enqueue_returns(broker):
    enqueue()
    assert depth(broker, LANE) == 1


def test_a_task_for_a_deleted_lane_fails_and_the_next_attempt_declares_the_lane(broker):
    enqueue()
    broker.channel().queue_delete(LANE)
    with pytest.raises(PassingError), wrap_passing_errors():
        enqueue()
    enqueue()
    assert depth(broker, LANE) == 1


@pytest.fixture
def unreachable(monkeypatch):
    """The Celery app, connected to a port on which nothing listens."""
    # Close the connections. Other tests of this process use the same pool later, and would wait for
    # ever if it were left empty (force_close_all).
    app.pool.resize(app.pool.limit, reset=True)
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    monkeypatch.setattr(app.conf, "broker_write_url", "amqp://127.0.0.1:1//")
    yield
    app._pool = app.amqp._producer_pool = None


def test_without_a_broker_enqueue_gives_up_soon_with_a_passing_error(unreachable):
    with pytest.raises(PassingError), wrap_passing_errors():
        enqueue()
