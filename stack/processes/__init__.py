"""Connectify's own processes: which there are, and how they start, are ready, die and stop."""

from stack.processes.running import Processes
from stack.processes.table import QUEUES, Command, Tier, connectify

__all__ = ["QUEUES", "Command", "Processes", "Tier", "connectify"]
