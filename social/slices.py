"""Slices of an audience: key ranges of follower ids, which is all that a fan-out task carries.

Guarantee: the slices of a post tile the whole range of ids, so that every follower is in one.
"""

from collections.abc import Sequence
from typing import NamedTuple

# The largest id: the last slice of a post takes every follower above the one before it, also
# those who begin to follow before it is worked off.
END = 2**63 - 1


class Slice(NamedTuple):
    """The followers of a post's author with `after` < id <= `up_to`."""

    post_id: int
    after: int
    up_to: int


def tile(post_id: int, ends: Sequence[int]) -> list[Slice]:
    """One slice for each of the ascending follower ids in `ends`, the last reaching to END."""
    starts = [0, *ends[:-1]]
    stops = [*ends[:-1], END]
    return [Slice(post_id, after, up_to) for after, up_to in zip(starts, stops, strict=True)]
