"""Which processes live. psutil tells a process from a later one with the same pid."""

import psutil

from devtools.faults.run import Run
from devtools.servers.proc import tree

Everybody = dict[str, set[psutil.Process]]


def everybody(run: Run) -> Everybody:
    """Every process of Connectify with all its descendants, by name."""
    processes = run.processes
    pids = {name: processes.pid(name) for name in processes.table}
    return {name: set(tree(pid)) if pid else set() for name, pid in pids.items()}


def demand_nobody_ended(run: Run, before: Everybody) -> None:
    ended = [name for name, pids in everybody(run).items() if pids != before[name]]
    run.demand(not ended, f"processes or their children ended: {', '.join(ended)}")
