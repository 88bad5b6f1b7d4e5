"""One step of a post's way to a user; each subscriber tells its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """What was found; `stops` where the post gets no further by that. `link` leads to the rows."""

    text: str
    stops: bool = False
    link: str = ""
