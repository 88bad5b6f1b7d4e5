"""Who lives: a process that ended and was started again has another pid."""

from devtools.faults.orphans import below
from devtools.faults.scene import Scene
from devtools.servers.proc import started_at

Everybody = dict[str, dict[int, int | None]]


def everybody(scene: Scene) -> Everybody:
    """Every process of Connectify's and its children, by name: start times by pid."""
    processes = scene.house.processes
    pids = {name: processes.pid(name) for name in processes.table}
    return {name: {pid: started_at(pid), **below(pid)} if pid else {} for name, pid in pids.items()}


def demand_nobody_ended(scene: Scene, before: Everybody) -> None:
    ended = [name for name, pids in everybody(scene).items() if pids != before[name]]
    scene.demand(not ended, f"processes or their children ended: {', '.join(ended)}")
