"""Connectify's own processes: which there are, and how they start, are ready, die and stop."""

from devtools.processes.supervisor import Supervisor
from devtools.processes.table import CONSUMERS, QUEUES, WORKERS, Command, Tier, connectify

__all__ = ["CONSUMERS", "QUEUES", "WORKERS", "Command", "Supervisor", "Tier", "connectify"]
