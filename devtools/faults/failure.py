"""Why a run of the harness cannot go on; each message says what to do."""


class HarnessFailure(Exception):
    """The harness itself cannot work here."""

    exit_code = 1


class Busy(HarnessFailure):
    """Another run of this clone has the servers."""

    exit_code = 3


class Skipped(Exception):
    """A row cannot be run on this machine; the message says what is missing."""


class Missed(Exception):
    """A fault did not come about: the process that should die goes on, and the like."""
