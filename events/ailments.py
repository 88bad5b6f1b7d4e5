"""What the doctor finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ailment:
    """What is wrong, and the command or step that mends it."""

    what: str
    mend: str
