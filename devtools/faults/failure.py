"""Why a run of a scenario ends early."""


class Skipped(Exception):
    """It cannot be run on this machine; the message says what is missing."""


class Missed(Exception):
    """A fault did not come about: the process that should die goes on, and the like."""
