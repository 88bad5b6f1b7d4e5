import os
import threading

import pytest

from events.backpressure import BacklogSign
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
def sign_for():
    """A sign by its lanes' limits; its connection is closed at the end."""
    made = []

    def make(limits: dict, url: str = os.environ["BROKER_URL"]) -> BacklogSign:
        made.append(BacklogSign("timelines", url, limits, Clock()))
        return made[-1]

    yield make
    for sign in made:
        sign.renew()


def test_a_sign_is_raised_at_the_limit_and_lowered_below_it(broker, sign_for):
    sign = sign_for({LANE: 2})
    put(broker, LANE, b"1")
    until(lambda: depth(broker, LANE) == 1)
    assert not sign()
    put(broker, LANE, b"2")
    until(lambda: depth(broker, LANE) == 2)
    assert sign()
    with broker.channel() as channel:
        channel.queue_purge(LANE)
    until(lambda: depth(broker, LANE) == 0)
    assert not sign()


def test_one_full_lane_is_enough(broker, sign_for):
    sign = sign_for({"timelines.low": 1, LANE: 100})
    assert not sign()
    put(broker, "timelines.low", b"1")
    until(lambda: depth(broker, "timelines.low") == 1)
    assert sign()


def test_a_sign_stays_as_it_was_while_the_broker_is_away(sign_for):
    assert not sign_for({LANE: 1}, "amqp://127.0.0.1:1//")()


def test_a_consumer_leaves_events_in_their_queue_while_its_lane_is_full(broker, sign_for):
    queue, taken, stop = event_queue("timeline.worker"), [], Stop()
    put(broker, LANE, b"1")
    put(broker, queue.name, post_created())
    until(lambda: depth(broker, LANE) == depth(broker, queue.name) == 1)
    sign = sign_for({LANE: 1})
    consumer = BatchConsumer(os.environ["BROKER_URL"], queue, 10, taken.extend, stop, sign)
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
