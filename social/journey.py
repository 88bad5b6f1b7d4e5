"""A step of a post's way to a user. Each subscriber contributes its own steps."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """What was found. `stops` is True if the post gets no further; `link` leads to the rows."""

    text: str
    stops: bool = False
    link: str = ""
