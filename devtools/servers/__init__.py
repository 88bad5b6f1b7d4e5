"""The private servers of a clone, on loopback only; bin/services starts and stops them."""
