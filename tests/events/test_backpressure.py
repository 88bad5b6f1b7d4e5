import os
import threading

import pytest

from events.backpressure import BacklogHold
from events.consumer import BatchConsumer
from events.stopping import Stop
from events.topology import event_queue
from tests.bus import depth, post_created, put
from tests.waiting import until

pytestmark = pytest.mark.broker

LANE = "timelines.high"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def hold_for():
    """A hold by its lanes' limits; its connection is closed at the end."""
    made = []

    def make(limits: dict, url: str = os.environ["BROKER_URL"]) -> BacklogHold:
        made.append(BacklogHold("timelines", url, limits, Clock()))
        return made[-1]

    yield make
    for hold in made:
        hold.disconnect()


def test_a_consumer_is_held_at_the_limit_and_released_below_it(broker, hold_for):
    hold = hold_for({LANE: 2})
    put(broker, LANE, b"1")
    until(lambda: depth(broker, LANE) == 1)
    assert not hold()
    put(broker, LANE, b"2")
    until(lambda: depth(broker, LANE) == 2)
    assert hold()
    with broker.channel() as channel:
        channel.queue_purge(LANE)
    until(lambda: depth(broker, LANE) == 0)
    assert not hold()


def test_one_full_lane_is_enough(broker, hold_for):
    hold = hold_for({"timelines.low": 1, LANE: 100})
    assert not hold()
    put(broker, "timelines.low", b"1")
    until(lambda: depth(broker, "timelines.low") == 1)
    assert hold()


def test_the_answer_stays_the_same_while_the_broker_is_down(hold_for):
    assert not hold_for({LANE: 1}, "amqp://127.0.0.1:1//")()


def test_a_consumer_leaves_events_in_their_queue_while_its_lane_is_full(broker, hold_for):
    queue, taken, stop = event_queue("timeline.worker"), [], Stop()
    put(broker, LANE, b"1")
    put(broker, queue.name, post_created())
    until(lambda: depth(broker, LANE) == depth(broker, queue.name) == 1)
    hold = hold_for({LANE: 1})
    consumer = BatchConsumer(os.environ["BROKER_URL"], queue, 10, taken.extend, stop, hold)
    thread = threading.Thread(target=consumer.run)
    thread.start()
    try:
        threading.Event().wait(2.5)
        assert (depth(broker, queue.name), taken) == (1, [])
        with broker.channel() as channel:
            channel.queue_purge(LANE)
        until(lambda: len(taken) == 1)
    finally:
        stop.request()
        thread.join(20)
