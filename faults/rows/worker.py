"""Workers and their children die, are stopped, and end in the middle of their work."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

from faults.commands import renamed, with_app
from faults.declaration import row
from faults.logs import count_in
from faults.scene import Scene
from stack.processes import EVENT_CONSUMERS, WORKERS, Command

LOST = "exited with 'signal 9 (SIGKILL)'"
TASKS_A_LIFE = 6
DEATHS = 3
WORKER = "timelines-high-worker"
# A deployment stops everything that works for the queues.
DEPLOYED = ("relay", *EVENT_CONSUMERS, *WORKERS)
DEPLOY_SECONDS = 10.0


def children_die(scene: Scene, failpoint: str, command: Command | None = None) -> None:
    """Each child of the timelines' worker dies at its Nth task, and is replaced by one that does
    the same, until the worker is started anew without the failpoint."""
    deaths = scene.logged(WORKER, LOST)
    scene.dress(WORKER, command, FAILPOINTS=f"{failpoint}=kill:{TASKS_A_LIFE}")
    scene.until(scene.house.table[WORKER].ready, "the worker")
    scene.count("redeliveries", 0)
    scene.begin_load()
    with scene.fault():
        scene.until(lambda: deaths() >= DEATHS, "deaths of a worker's children", 40)
        scene.undress(WORKER)
    scene.count("children died at the failpoint", deaths())


@row(7, "worker child SIGKILL in the middle of a chunk", "children died; redeliveries")
def child_dies_in_slice(scene: Scene) -> None:
    children_die(scene, "timelines.in_slice")


@row(9, "worker SIGKILL after COMMIT, before the ack", "children died; redeliveries")
def child_dies_after_commit(scene: Scene) -> None:
    children_die(scene, "timelines.after_commit")


@row(8, "worker parent SIGKILL with prefetched tasks", "pid killed; redeliveries")
def parent_dies(scene: Scene) -> None:
    # Slow tasks, so that it holds some at any moment.
    scene.dress(WORKER, FAILPOINTS="timelines.in_slice=sleep:0.3")
    scene.count("redeliveries", 0)
    scene.begin_load(warm=8)
    with scene.fault():
        scene.kill_parent(WORKER)
        scene.undress(WORKER)


@row(10, "SIGTERM under load, SIGKILL 10 s later", "processes told; those that had to be killed")
def deployed(scene: Scene) -> None:
    # A slice that takes longer than a deployment waits.
    scene.dress(WORKER, FAILPOINTS="timelines.in_slice=sleep:15")
    scene.begin_load(warm=8)
    with scene.fault():
        processes = scene.house.processes
        for name in DEPLOYED:
            scene.send(name, signal.SIGTERM)
            scene.count("SIGTERM")
        deadline = time.monotonic() + DEPLOY_SECONDS
        while time.monotonic() < deadline and any(map(processes.pid, DEPLOYED)):
            time.sleep(0.1)
        left = [name for name in DEPLOYED if processes.pid(name)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(scene.kill, left))
        scene.undress(WORKER)
        scene.start(*DEPLOYED)
    scene.figures["killed_after_sigterm"] = " ".join(left)


@row(12, "worker SIGSTOP past the heartbeat, then SIGCONT", "the broker gave it up; redeliveries")
def sleeps_past_heartbeat(scene: Scene) -> None:
    """Its heartbeat is 6 s here. Its tasks are given to a second worker meanwhile; then it wakes
    and acknowledges what is no longer its own."""
    slow = {"FAILPOINTS": "timelines.in_slice=sleep:0.2"}
    command = with_app(scene.house.table[WORKER], "faults.apps.short_heartbeat")
    scene.dress(WORKER, command, **slow)
    scene.until(command.ready, "the worker")
    scene.add("timelines-high-worker-2", renamed(scene.house.table[WORKER], "second"))
    scene.count("redeliveries", 0)
    missed = count_in(scene.house.rabbitmq.log, "missed heartbeats from client")
    scene.begin_load(warm=5)
    with scene.fault():
        scene.send(WORKER, signal.SIGSTOP)
        scene.until(missed, "the broker giving up the worker", 40)
        time.sleep(2)
        scene.send(WORKER, signal.SIGCONT)
    time.sleep(5)
    scene.undress(WORKER)
    scene.count("connections given up by the broker", missed())
