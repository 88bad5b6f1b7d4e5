"""Connectify's own processes: which there are, and how they start, are ready, die and stop."""

from devtools.processes.running import Processes
from devtools.processes.table import CONSUMERS, QUEUES, WORKERS, Command, Tier, connectify

__all__ = ["CONSUMERS", "QUEUES", "WORKERS", "Command", "Processes", "Tier", "connectify"]
