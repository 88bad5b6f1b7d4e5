"""Slices of an audience: key ranges of follower ids, which is all that a fan-out task carries.

Guarantee: the slices of a post tile the whole range of ids, so that every follower is in one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

# The largest id: the last slice of a post takes every follower above the one before it, also
# those who begin to follow before it is worked off.
END = 2**63 - 1

# The follower ids above the first one, up to the second one.
Range = tuple[int, int]


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


def disjoint(slices: Iterable[Slice], done: Mapping[int, Iterable[Range]]) -> list[Slice]:
    """What of the slices is not in the ranges that are `done` of their post, ascending; of slices
    that overlap, what the former does not hold."""
    missing = []
    reached = {}
    for piece in sorted(slices):
        post_id, after, end = piece
        at = max(after, reached.get(post_id, 0))
        for first, last in [*sorted(done.get(post_id, ())), (end, end)]:
            if at < min(first, end):
                missing.append(Slice(post_id, at, min(first, end)))
            at = max(at, last)
        reached[post_id] = max(end, reached.get(post_id, 0))
    return missing
