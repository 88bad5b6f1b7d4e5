"""Connectify's own processes: which there are, and how they start, are ready, die and stop."""

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
