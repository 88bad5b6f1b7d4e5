"""A finding of `manage.py doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ailment:
    """What is wrong, and the command or step that fixes it."""

    what: str
    mend: str
