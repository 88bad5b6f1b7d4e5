"""Connectify's own processes: which there are, and how they start, are ready, die and stop."""

from stack.processes.running import Processes
from stack.processes.table import Command, Tier, connectify

__all__ = ["Command", "Processes", "Tier", "connectify"]
