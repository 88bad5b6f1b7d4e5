"""The real Celery app with additional tasks that misbehave. Each notes its attempts in a file."""

import os
import signal
import time
from pathlib import Path

from celery import shared_task

from celery_app import app
from events.lane_task import LaneTask

__all__ = ["app"]

LANE = "operations.low"
MEGABYTE = 1024 * 1024
MEMORY_LIMIT = 512
POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 60.0


def write_note(path: str, text: str) -> None:
    # A single write, because several workers append to the same file.
    with Path(path).open("a") as file:
        file.write(f"{text}\n")


@shared_task(base=LaneTask, name="faults.note", lane=LANE)
def note(*, path: str, text: str) -> None:
    write_note(path, text)


@shared_task(base=LaneTask, name="faults.exhaust_memory", lane=LANE)
def exhaust_memory(*, path: str) -> None:
    """Allocate up to MEMORY_LIMIT, and then do what the kernel would: SIGKILL this process."""
    write_note(path, "taking memory")
    taken = [bytearray(64 * MEGABYTE) for _ in range(MEMORY_LIMIT // 64)]
    assert taken
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(
    base=LaneTask, name="faults.hang", lane=LANE, soft_time_limit=1, time_limit=4, max_retries=2
)
def hang(*, path: str) -> None:
    """Hang until the soft time limit ends the task."""
    write_note(path, "hangs")
    time.sleep(TIMEOUT_SECONDS)


@shared_task(base=LaneTask, name="faults.hang_hard", lane=LANE, soft_time_limit=None, time_limit=1)
def hang_hard(*, path: str) -> None:
    """Hang until the hard time limit ends the task and kills its process."""
    write_note(path, "hangs hard")
    time.sleep(TIMEOUT_SECONDS)


@shared_task(base=LaneTask, bind=True, name="faults.retry_on_cue", lane=LANE)
def retry_on_cue(self, *, path: str, go: str) -> None:
    """Wait for the file `go`, then fail with a passing error. Runs that begin after that
    succeed."""
    if Path(go).exists():
        write_note(path, "done")
        return
    write_note(path, "waits")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not Path(go).exists() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    raise ConnectionError("a passing error at the worst moment")


@shared_task(
    base=LaneTask, bind=True, name="faults.retry_five_times", lane=LANE, retry_backoff_max=4
)
def retry_five_times(self, *, path: str, text: str) -> None:
    """Note the task's name, the attempt and the lane that it came from."""
    lane = self.request.delivery_info["routing_key"]
    write_note(path, f"{text} {self.request.retries} {lane}")
    if self.request.retries < 5:
        raise ConnectionError("passing")
