import os

import pytest

from celery_app import app
from devtools.servers import vhosts
from events.lanes import lanes
from events.registry import subscribers
from tests.environment import VHOST

LANES = list(lanes)
EVENT_QUEUES = [subscriber.queue for subscriber in subscribers.values()]


@pytest.fixture
def queues(broker) -> dict[str, dict]:
    """The queues, as the broker reports them."""
    if "BROKER_MANAGEMENT_URL" not in os.environ:
        pytest.skip("the broker's management API is not known")
    described = vhosts.queues(os.environ["BROKER_MANAGEMENT_URL"], VHOST)
    return {queue["name"]: queue for queue in described}


@pytest.mark.parametrize(
    ("names", "limit"), [(EVENT_QUEUES, 100), (LANES, 20)], ids=["event queues", "lanes"]
)
def test_every_queue_dead_letters_at_least_once_after_its_limit(queues, names, limit):
    for name in names:
        assert queues[name]["durable"]
        assert queues[name]["arguments"] == {
            "x-queue-type": "quorum",
            "x-delivery-limit": limit,
            "x-dead-letter-exchange": "connectify.dead",
            "x-dead-letter-routing-key": f"{name}.dead",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }


def test_dead_letters_are_never_dead_lettered_again(queues):
    assert queues["dead.letters"]["arguments"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 2**31 - 1,
    }


def test_no_lanes_name_ends_with_a_dot_and_another_lanes_name():
    # Celery binds delayed retries with the pattern `#.<name>`.
    names = [*LANES, *EVENT_QUEUES]
    assert not [(a, b) for a in names for b in names if a.endswith(f".{b}")]


def test_every_task_of_ours_has_a_lane_and_the_safety_settings():
    ours = {
        name: task for name, task in app.tasks.items() if not name.startswith(("celery.", "tests."))
    }
    assert ours
    for name, task in ours.items():
        assert task.lane in LANES, name
        assert task.acks_late, name
        assert not task.acks_on_failure_or_timeout, name
        assert task.reject_on_worker_lost, name
        assert task.autoretry_for, name
        # Well below the broker's consumer timeout of 30 minutes.
        assert task.time_limit <= 900, name
