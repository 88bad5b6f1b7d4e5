"""The beat's schedule, also when the clock jumps."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import amqp
import pytest

from celery_app import app
from devtools.faults.failure import Skipped
from devtools.faults.scenarios.clock import library
from events.beat import IntervalScheduler
from tests.bus import depth
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent
LANE = "operations.low"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def published(broker) -> int:
    return sum(depth(broker, lane) for lane in app.amqp.queues)


def test_each_task_is_published_once_an_interval_from_the_start_on(broker):
    clock = Clock()
    beat = IntervalScheduler(app=app, monotonic=clock)
    seconds = [entry["schedule"] for entry in app.conf.beat_schedule.values()]
    assert beat.tick() == pytest.approx(min(seconds))
    assert published(broker) == len(seconds)
    assert beat.tick() == pytest.approx(min(seconds))
    assert published(broker) == len(seconds)
    clock.now += min(seconds)
    beat.tick()
    assert published(broker) == len(seconds) + seconds.count(min(seconds))
    beat.connection.release()


@pytest.mark.timeout(20)
def test_a_stop_during_a_publication_does_not_wait_for_its_lock(broker):
    """Celery closes the scheduler in its handler of SIGTERM, which may run at any moment."""
    beat = IntervalScheduler(app=app)

    class Interrupted(dict):
        def items(self):
            beat.close()
            return super().items()

    message = amqp.Message("", application_headers=Interrupted(a=1))
    beat.connection.default_channel.basic_publish_confirm(message, routing_key=LANE)
    assert depth(broker, LANE) == 1
    beat.connection.release()


def test_only_intervals_are_scheduled():
    """A crontab would use the system clock."""
    beat = IntervalScheduler(app=app)
    assert {type(entry.schedule).__name__ for entry in beat.schedule.values()} == {"schedule"}
    assert set(beat.schedule) == set(app.conf.beat_schedule)


@pytest.fixture
def clock(tmp_path) -> Path:
    """The file that sets the offset of the beat's clock."""
    clock = tmp_path / "clock"
    clock.write_text("+1d\n")
    return clock


# Does what celery.beat does, but without time.sleep(): libfaketime breaks its clock_nanosleep().
TICKING = """
import select
from celery_app import app
from celery.utils.imports import symbol_by_name
beat = symbol_by_name(app.conf.beat_scheduler)(app=app)
while True:
    select.select([], [], [], beat.tick())
"""


@pytest.fixture
def ticking(clock, broker) -> Iterator[None]:
    """The scheduler in a process that uses that clock."""
    try:
        preload = str(library())
    except Skipped as reason:
        pytest.skip(str(reason))
    faked = {
        "LD_PRELOAD": preload,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    process = subprocess.Popen([sys.executable, "-c", TICKING], cwd=ROOT, env=os.environ | faked)
    yield
    process.kill()
    process.wait(20)


@pytest.mark.slow  # The clock jumps four times.
def test_no_jump_of_the_clock_stops_periodic_tasks(ticking, clock, broker):
    for skew in ("+1d", "-1d", "+2d", "+0"):
        clock.write_text(f"{skew}\n")
        before = depth(broker, LANE)
        until(lambda least=before + 4: depth(broker, LANE) >= least, 25)


def test_no_schedule_is_left_on_disk(broker, tmp_path):
    path = os.environ.get("PYTHONPATH", "")
    with subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_app", "beat", "-l", "CRITICAL"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{path}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as beat:
        try:
            until(lambda: depth(broker, LANE), 90)
        finally:
            beat.terminate()
    assert beat.returncode == 0
    assert list(tmp_path.iterdir()) == []
