"""Connectify's own processes: their command lines, readiness, death and stopping."""

from devtools.processes.supervisor import Supervisor
from devtools.processes.table import (
    CONSUMERS,
    EVENT_CONSUMERS,
    QUEUES,
    WORKERS,
    Command,
    Tier,
    connectify,
)

__all__ = [
    "CONSUMERS",
    "EVENT_CONSUMERS",
    "QUEUES",
    "WORKERS",
    "Command",
    "Supervisor",
    "Tier",
    "connectify",
]
