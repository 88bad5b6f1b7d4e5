"""Cursors of a timeline. They are opaque to clients and signed: others are refused."""

from collections.abc import Sequence

from social.api import paging

# Not a signer: that needs SECRET_KEY, and not every process that imports this has it.
SALT = "timeline.cursor"


def encode(ids: Sequence[int]) -> str:
    """A cursor that holds these ascending ids, each as the difference to the one before it."""
    steps = [pk - last for last, pk in zip([0, *ids], ids, strict=False)]
    return paging.sign(steps, SALT, compress=True)


def decode(parameter: str, cursor: str | None) -> list[int] | None:
    """The ids in the cursor, or None without one. Raises a ValidationError that names the query
    parameter."""
    if cursor is None:
        return None
    ids, last = [], 0
    for step in paging.unsign(cursor, SALT, parameter):
        last += step
        ids.append(last)
    return ids
