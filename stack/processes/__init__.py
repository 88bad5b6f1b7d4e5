"""Connectify's own processes: which there are, and how they start, are ready, die and stop."""

from stack.processes.running import Processes
from stack.processes.table import (
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
    "Processes",
    "Tier",
    "connectify",
]
