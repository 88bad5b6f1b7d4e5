"""The real Celery app with a few tasks that fail as told; run as `celery -A tests.worker_app`."""

import time
from pathlib import Path

from celery import shared_task

from celery_app import app
from events.lane_task import LaneTask

__all__ = ["app"]


def note(path: str, text: str) -> None:
    with Path(path).open("a") as file:
        file.write(text + "\n")


@shared_task(base=LaneTask, name="tests.note_text", lane="operations.low")
def note_text(*, path: str, text: str) -> None:
    note(path, text)


@shared_task(base=LaneTask, name="tests.fail_for_good", lane="operations.low")
def fail_for_good(*, why: str) -> None:
    raise ValueError(why)


@shared_task(base=LaneTask, bind=True, name="tests.fail_once", lane="operations.low")
def fail_once(self, *, path: str) -> None:
    """Notes the attempt's number and the lane that it came from."""
    note(path, f"{self.request.retries} {self.request.delivery_info['routing_key']}")
    if not self.request.retries:
        raise ConnectionError("passing")


@shared_task(base=LaneTask, name="tests.fail_for_long", lane="operations.low", max_retries=1)
def fail_for_long() -> None:
    raise ConnectionError("never ends")


class FailingAtLast(LaneTask):
    """What is to be done after a run fails too, as it may while the database is away."""

    def after_return(self, *_) -> None:
        raise ValueError("one more thing")


@shared_task(
    base=FailingAtLast,
    name="tests.overrun",
    lane="operations.low",
    soft_time_limit=None,
    time_limit=1,
)
def overrun(*, path: str) -> None:
    """Notes that it runs, and does so until its hard time limit ends its process."""
    note(path, "runs")
    time.sleep(60)
