"""Why a run ends early."""


class DemoFailure(Exception):
    """The run cannot go on; the message says why and what to do."""

    exit_code = 1


class Refused(DemoFailure):
    """The run would disturb somebody; nothing was changed."""

    exit_code = 3
