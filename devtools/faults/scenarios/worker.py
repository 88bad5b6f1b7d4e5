"""Workers and their children die, are stopped, or end in the middle of their work."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

from devtools.faults.commands import renamed, with_app
from devtools.faults.declaration import scenario
from devtools.faults.logs import count_in
from devtools.faults.run import Run
from devtools.processes import EVENT_CONSUMERS, WORKERS, Command

LOST = "exited with 'signal 9 (SIGKILL)'"
TASKS_A_LIFE = 6
DEATHS = 3
WORKER = "timelines-high-worker"
# A deployment stops everything that consumes queues.
DEPLOYED = ("relay", *EVENT_CONSUMERS, *WORKERS)
DEPLOY_SECONDS = 10.0


def children_die(run: Run, failpoint: str, command: Command | None = None) -> None:
    """Each child of the timelines' worker dies at its Nth task, and so does its replacement, until
    the worker is restarted without the failpoint."""
    deaths = run.logged(WORKER, LOST)
    run.restart(WORKER, command, FAILPOINTS=f"{failpoint}=kill:{TASKS_A_LIFE}")
    run.until(run.table[WORKER].ready, "the worker")
    run.count("redeliveries", 0)
    run.begin_load()
    with run.fault():
        run.until(lambda: deaths() >= DEATHS, "deaths of a worker's children", 40)
        run.restore(WORKER)
    run.count("children died at the failpoint", deaths())


@scenario(7, "worker child SIGKILL in the middle of a slice", "children died; redeliveries")
def child_dies_in_slice(run: Run) -> None:
    children_die(run, "timelines.fanout.in_slice")


@scenario(9, "worker SIGKILL after COMMIT, before the ack", "children died; redeliveries")
def child_dies_after_commit(run: Run) -> None:
    children_die(run, "timelines.tasks.after_commit")


@scenario(8, "worker parent SIGKILL with prefetched tasks", "pid killed; redeliveries")
def parent_dies(run: Run) -> None:
    # Slow tasks, so that it always holds some.
    run.restart(WORKER, FAILPOINTS="timelines.fanout.in_slice=sleep:0.3")
    run.count("redeliveries", 0)
    run.begin_load(warm=8)
    with run.fault():
        run.kill_parent(WORKER)
        run.restore(WORKER)


@scenario(
    10,
    "SIGTERM under load, SIGKILL 10 s later",
    "processes sent SIGTERM; those that had to be killed",
)
def deployed(run: Run) -> None:
    # A slice that takes longer than a deployment waits.
    run.restart(WORKER, FAILPOINTS="timelines.fanout.in_slice=sleep:15")
    run.begin_load(warm=8)
    with run.fault():
        processes = run.processes
        for name in DEPLOYED:
            run.send(name, signal.SIGTERM)
            run.count("SIGTERM")
        deadline = time.monotonic() + DEPLOY_SECONDS
        while time.monotonic() < deadline and any(map(processes.pid, DEPLOYED)):
            time.sleep(0.1)
        left = [name for name in DEPLOYED if processes.pid(name)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(run.kill, left))
        run.restore(WORKER)
        run.start(*DEPLOYED)
    run.figures["killed_after_sigterm"] = " ".join(left)


@scenario(
    12, "worker SIGSTOP past the heartbeat, then SIGCONT", "the broker gave it up; redeliveries"
)
def sleeps_past_heartbeat(run: Run) -> None:
    """With a heartbeat of 6 s, its tasks go to a second worker while it sleeps. Then it wakes and
    acknowledges deliveries that it no longer owns."""
    slow = {"FAILPOINTS": "timelines.fanout.in_slice=sleep:0.2"}
    command = with_app(run.table[WORKER], "devtools.faults.apps.short_heartbeat")
    run.restart(WORKER, command, **slow)
    run.until(command.ready, "the worker")
    run.add("timelines-high-worker-2", renamed(run.table[WORKER], "second"))
    run.count("redeliveries", 0)
    missed = count_in(run.rabbitmq.log, "missed heartbeats from client")
    run.begin_load(warm=5)
    with run.fault():
        run.send(WORKER, signal.SIGSTOP)
        run.until(missed, "the broker giving up the worker", 40)
        time.sleep(2)
        run.send(WORKER, signal.SIGCONT)
    time.sleep(5)
    run.restore(WORKER)
    run.count("connections given up by the broker", missed())
