"""The bus's own maintenance: its lane and its periodic tasks."""

from events.lanes import Lane, PeriodicTask, register_lanes

LOW = "events.low"  # Replays, reconciling, pruning.

RECONCILE = PeriodicTask("events.reconcile", 30.0, LOW)
PRUNE = PeriodicTask("events.prune", 600.0, LOW)

register_lanes([Lane(LOW, worker="maintenance")], [RECONCILE, PRUNE])
