"""Private servers of a clone, on loopback only, behind bin/services."""
