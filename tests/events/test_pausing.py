import io
import os
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from events import pausing
from events.consumer import BatchConsumer
from events.models import Pause
from events.stopping import Stop
from events.topology import event_queue
from tests.bus import depth, post_created, put
from tests.waiting import until

pytestmark = pytest.mark.django_db


def test_a_pause_ends_by_itself_or_when_it_is_resumed():
    call_command("pause", "notifications", "--minutes", "10", stdout=io.StringIO())
    call_command("pause", "timelines", stdout=io.StringIO())
    assert pausing.paused()["timelines"] is None
    left = pausing.paused()["notifications"] - timezone.now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    Pause.objects.filter(subscriber="notifications").update(until=timezone.now())
    assert set(pausing.paused()) == {"timelines"}
    call_command("resume", "timelines", stdout=io.StringIO())
    assert pausing.paused() == {}


def test_a_hold_checks_the_database_once_a_second():
    clock = [0.0]
    hold = pausing.PauseHold("timelines", lambda: clock[0])
    assert not hold()
    pausing.pause("timelines", lasting=None, now=timezone.now())
    assert not hold()
    clock[0] = 1.0
    assert hold()
    pausing.resume("timelines")
    clock[0] = 2.0
    assert not hold()


@pytest.mark.django_db(transaction=True)
def test_the_answer_stays_the_same_while_the_database_is_down():
    clock = [0.0]
    hold = pausing.PauseHold("timelines", lambda: clock[0])
    pausing.pause("timelines", lasting=None, now=timezone.now())
    assert hold()

    def refuse(*_):
        raise OperationalError("gone")

    clock[0] = 1.0
    with connection.execute_wrapper(refuse):
        assert hold()


def test_a_consumer_on_hold_takes_nothing_and_then_goes_on(broker):
    """The hold begins while the consumer waits for messages, and ends again."""
    queue, taken, held, stop = event_queue("timeline.worker"), [], threading.Event(), Stop()
    held.set()
    consumer = BatchConsumer(os.environ["BROKER_URL"], queue, 10, taken.extend, stop, held.is_set)
    thread = threading.Thread(target=consumer.run)
    thread.start()
    try:
        put(broker, queue.name, post_created())
        until(lambda: depth(broker, queue.name) == 1)
        threading.Event().wait(2.5)
        assert (depth(broker, queue.name), taken) == (1, [])
        held.clear()
        until(lambda: len(taken) == 1)
        held.set()
        until(lambda: consumers(broker, queue.name) == 0)
        put(broker, queue.name, post_created())
        until(lambda: depth(broker, queue.name) == 1)
    finally:
        stop.request()
        thread.join(20)
    assert len(taken) == 1


def consumers(broker, queue: str) -> int:
    with broker.channel() as channel:
        return channel.queue_declare(queue, passive=True).consumer_count
