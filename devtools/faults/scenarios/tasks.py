"""Tasks that misbehave: they exhaust memory, hang, or are retried while the broker is down."""

import shutil
import time
from collections import Counter
from pathlib import Path

from devtools.faults.celery_messages import LANE, send
from devtools.faults.commands import with_app
from devtools.faults.declaration import scenario
from devtools.faults.run import Run

WORKER = "maintenance-worker"
APP = "devtools.faults.apps.misbehaving"
NEIGHBOURS = 40
HANGING = ("faults.hang", "faults.hang_hard")
RETRYING = 5
DELIVERY_LIMIT = 20
RUNS_OF_HANGING = 3


class Notes:
    """The attempts that the misbehaving tasks have noted, a line for each."""

    def __init__(self, run: Run):
        self.home = run.environment.home / "notes"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        self.path = self.home / "notes"
        command = with_app(run.table[WORKER], APP)
        run.restart(WORKER, command)

    @property
    def lines(self) -> Counter[str]:
        return Counter(self.path.read_text().splitlines()) if self.path.exists() else Counter()

    def file(self, name: str) -> Path:
        return self.home / name


@scenario(
    11, "a task that exhausts memory: its child is killed at 512 MB", "runs of it; dead letter"
)
def memory_exhausted(run: Run) -> None:
    notes = Notes(run)
    run.begin_load(rate=4)
    with run.fault():
        send(run, "faults.exhaust_memory", path=str(notes.path))
        for number in range(NEIGHBOURS):
            send(run, "faults.note", path=str(notes.path), text=f"neighbour {number}")
        run.poison = 1
        run.until(lambda: run.letters(LANE), "the dead letter", 75)
    neighbours = {f"neighbour {number}" for number in range(NEIGHBOURS)}
    run.until(lambda: neighbours <= notes.lines.keys(), "its neighbours' end")
    runs = notes.lines["taking memory"]
    run.count("runs until it was given up", runs)
    run.demand(runs <= DELIVERY_LIMIT + 1, f"it ran {runs} times")


@scenario(13, "a task that hangs past its time limits", "attempts; dead letters", limit=120)
def hangs(run: Run) -> None:
    notes = Notes(run)
    run.begin_load(rate=4)
    run.poison = len(HANGING)
    with run.fault():
        for name in HANGING:
            send(run, name, path=str(notes.path))
        run.until(lambda: len(run.letters(LANE)) == len(HANGING), "the dead letters", 80)
    run.count("attempts of the one that a soft limit ends", notes.lines["hangs"])
    run.count("attempts of the one that a hard limit ends", notes.lines["hangs hard"])
    for name in ("hangs", "hangs hard"):
        runs = notes.lines[name]
        run.demand(runs == RUNS_OF_HANGING, f"the one that {name} ran {runs} times")
    run.figures["letters"] = "; ".join(sorted(run.letters(LANE)))


@scenario(22, "broker down exactly at a retry", "retries begun while it was down; runs after it")
def broker_down_at_retry(run: Run) -> None:
    notes = Notes(run)
    go = notes.file("go")
    send(run, "faults.retry_on_cue", path=str(notes.path), go=str(go))
    run.begin_load()
    run.until(lambda: notes.lines["waits"], "the task on its way")
    refused = run.logged(WORKER, "Connection refused")
    with run.fault():
        server = run.rabbitmq
        server.kill()
        go.touch()
        time.sleep(3)
        run.count("retries begun while it was down", notes.lines["waits"])
        run.bring_back(server)
    run.until(
        lambda: notes.lines["done"] or run.letters(LANE),
        "an end of the task that was to be retried",
        45,
    )
    run.poison = len(run.letters(LANE))
    run.count("runs to the end, or dead letters", notes.lines["done"] + run.poison)
    run.count("refused connections of the worker", refused())


@scenario(23, "five delayed retries on a quorum queue", "attempts; lane kept")
def delayed_retries(run: Run) -> None:
    notes = Notes(run)
    run.begin_load(rate=4)
    names = [f"task-{number}" for number in range(RETRYING)]
    with run.fault():
        for name in names:
            send(run, "faults.retry_five_times", path=str(notes.path), text=name)
        wanted = {f"{name} {attempt} {LANE}" for name in names for attempt in range(6)}
        run.until(lambda: trimmed(notes) >= wanted, "all attempts in their own lane", 60)
    run.count("attempts", sum(notes.lines.values()))
    others = trimmed(notes) - wanted
    run.demand(not others, f"other attempts: {sorted(others)}")


def trimmed(notes: Notes) -> set[str]:
    """The noted attempts. The routing key of a delayed delivery has bits of the delay before the
    lane, which are removed here."""
    words = (line.split() for line in notes.lines)
    return {
        f"{name} {attempt} {LANE if key.endswith(LANE) else key}" for name, attempt, key in words
    }
