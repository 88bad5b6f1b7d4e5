"""Why a scenario's run ends early."""


class Skipped(Exception):
    """The scenario cannot run on this machine; the message says what is missing."""


class Missed(Exception):
    """A fault did not happen as intended, for example because the process that should die did
    not."""
