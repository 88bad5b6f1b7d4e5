"""Tasks that misbehave: they exhaust memory, hang, and retry at the worst moment."""

import shutil
import time
from collections import Counter
from pathlib import Path

from faults.celery_messages import LANE, send
from faults.commands import with_app
from faults.declaration import row
from faults.scene import Scene

WORKER = "maintenance-worker"
APP = "faults.apps.misbehaving"
NEIGHBOURS = 40
HANGING = ("faults.hang", "faults.hang_hard")
RETRYING = 5
DELIVERY_LIMIT = 20
RUNS_OF_HANGING = 3


class Notes:
    """What the misbehaving tasks have noted of their attempts, a line each."""

    def __init__(self, scene: Scene):
        self.home = scene.house.home / "notes"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        self.path = self.home / "notes"
        command = with_app(scene.house.table[WORKER], APP)
        scene.dress(WORKER, command)

    @property
    def lines(self) -> Counter[str]:
        return Counter(self.path.read_text().splitlines()) if self.path.exists() else Counter()

    def file(self, name: str) -> Path:
        return self.home / name


@row(11, "a task that exhausts memory: its child is killed at 512 MB", "runs of it; dead letter")
def memory_exhausted(scene: Scene) -> None:
    notes = Notes(scene)
    scene.begin_load(rate=4)
    with scene.fault():
        send(scene, "faults.exhaust_memory", path=str(notes.path))
        for number in range(NEIGHBOURS):
            send(scene, "faults.note", path=str(notes.path), text=f"neighbour {number}")
        scene.poison = 1
        scene.until(lambda: scene.letters(LANE), "the dead letter", 75)
    neighbours = {f"neighbour {number}" for number in range(NEIGHBOURS)}
    scene.until(lambda: neighbours <= notes.lines.keys(), "its neighbours' end")
    runs = notes.lines["taking memory"]
    scene.count("runs until it was given up", runs)
    scene.demand(runs <= DELIVERY_LIMIT + 1, f"it ran {runs} times")


@row(13, "a task that hangs past its time limits", "attempts; dead letters", limit=120)
def hangs(scene: Scene) -> None:
    notes = Notes(scene)
    scene.begin_load(rate=4)
    scene.poison = len(HANGING)
    with scene.fault():
        for name in HANGING:
            send(scene, name, path=str(notes.path))
        scene.until(lambda: len(scene.letters(LANE)) == len(HANGING), "the dead letters", 80)
    scene.count("attempts of the one that a soft limit ends", notes.lines["hangs"])
    scene.count("attempts of the one that a hard limit ends", notes.lines["hangs hard"])
    for name in ("hangs", "hangs hard"):
        runs = notes.lines[name]
        scene.demand(runs == RUNS_OF_HANGING, f"the one that {name} ran {runs} times")
    scene.figures["letters"] = "; ".join(sorted(scene.letters(LANE)))


@row(22, "broker down exactly at a retry", "retries begun while it was down; runs after it")
def broker_down_at_retry(scene: Scene) -> None:
    notes = Notes(scene)
    go = notes.file("go")
    send(scene, "faults.retry_when_told", path=str(notes.path), go=str(go))
    scene.begin_load()
    scene.until(lambda: notes.lines["waits"], "the task on its way")
    refused = scene.logged(WORKER, "Connection refused")
    with scene.fault():
        server = scene.house.rabbitmq
        server.kill()
        go.touch()
        time.sleep(3)
        scene.count("retries begun while it was down", notes.lines["waits"])
        scene.bring_back(server)
    scene.until(
        lambda: notes.lines["done"] or scene.letters(LANE),
        "an end of the task that was to be retried",
        45,
    )
    scene.poison = len(scene.letters(LANE))
    scene.count("runs to the end, or dead letters", notes.lines["done"] + scene.poison)
    scene.count("refused connections of the worker", refused())


@row(23, "five delayed retries on a quorum queue", "attempts; lane kept")
def delayed_retries(scene: Scene) -> None:
    notes = Notes(scene)
    scene.begin_load(rate=4)
    names = [f"task-{number}" for number in range(RETRYING)]
    with scene.fault():
        for name in names:
            send(scene, "faults.retry_five_times", path=str(notes.path), text=name)
        wanted = {f"{name} {attempt} {LANE}" for name in names for attempt in range(6)}
        scene.until(lambda: trimmed(notes) >= wanted, "all attempts in their own lane", 60)
    scene.count("attempts", sum(notes.lines.values()))
    others = trimmed(notes) - wanted
    scene.demand(not others, f"other attempts: {sorted(others)}")


def trimmed(notes: Notes) -> set[str]:
    """The attempts noted; a delayed delivery's routing key has its delay's bits before the lane."""
    words = (line.split() for line in notes.lines)
    return {
        f"{name} {attempt} {LANE if key.endswith(LANE) else key}" for name, attempt, key in words
    }
