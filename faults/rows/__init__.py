"""The table of faults, one module a family; importing this declares all of them."""

from faults.declaration import ROWS
from faults.rows import (
    broker,
    cache,
    clock,
    database,
    network,
    poison,
    push,
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
    *(transactions, replays, retention),
)

__all__ = ["FAMILIES", "ROWS"]
