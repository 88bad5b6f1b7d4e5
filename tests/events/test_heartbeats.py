"""Heartbeats of a consumer that works for long, and of one that is frozen."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.consumer import BatchConsumer
from events.stopping import Stop
from events.topology import event_queue
from tests.bus import depth, post_created, put
from tests.waiting import until

pytestmark = pytest.mark.broker

ROOT = Path(__file__).resolve().parent.parent.parent
QUEUE = event_queue("timeline.worker").name
# The consumer takes what there is, and its handover never returns.
WORKING = """
import os, time
from events.consumer import BatchConsumer
from events.stopping import Stop
from events.topology import event_queue
work = lambda messages: time.sleep(3600)
BatchConsumer(os.environ["BROKER_URL"], event_queue("timeline.worker"), 100, work, Stop()).run()
"""


def test_a_consumer_keeps_its_messages_while_it_works_longer_than_the_broker_waits(broker):
    put(broker, QUEUE, post_created())
    batches = []
    stop = Stop()

    def work(messages) -> None:
        batches.append([message.delivery_info["redelivered"] for message in messages])
        time.sleep(6)
        stop.request()

    queue = event_queue("timeline.worker")
    BatchConsumer(os.environ["BROKER_URL"], queue, 10, work, stop, heartbeat=1).run()
    assert batches == [[False]]
    assert depth(broker, QUEUE) == 0


@pytest.fixture
def working(broker) -> Iterator[subprocess.Popen]:
    """A consumer that holds a message."""
    put(broker, QUEUE, post_created())
    until(lambda: depth(broker, QUEUE) == 1)
    process = subprocess.Popen([sys.executable, "-c", WORKING], cwd=ROOT)
    until(lambda: depth(broker, QUEUE) == 0, 30)
    yield process
    process.kill()
    process.wait(20)


@pytest.mark.slow  # It waits for two heartbeats.
def test_messages_of_a_frozen_consumer_are_redelivered_within_30_seconds(broker, working):
    time.sleep(15)  # The heartbeat thread keeps the connection open.
    assert depth(broker, QUEUE) == 0
    working.send_signal(signal.SIGSTOP)
    until(lambda: depth(broker, QUEUE) == 1, 30)
