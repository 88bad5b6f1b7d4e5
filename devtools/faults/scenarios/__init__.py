"""The scenarios, one module per family. Importing this package declares all of them."""

from devtools.faults.declaration import SCENARIOS
from devtools.faults.scenarios import (
    blackhole,
    broker,
    cache,
    clock,
    copies,
    database,
    endless,
    hostile,
    network,
    poison,
    push,
    push_services,
    queues,
    relay,
    replays,
    retention,
    tasks,
    transactions,
    web,
    worker,
)

FAMILIES = (
    *(web, relay, worker, tasks, broker, queues, network, database, cache, push, poison, clock),
    *(hostile, blackhole, copies, endless),
    *(transactions, replays, retention),
    push_services,
)

__all__ = ["FAMILIES", "SCENARIOS"]
