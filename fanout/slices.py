"""Slices: ranges of follower ids. A fan-out task carries these numbers only, not the followers.

Guarantee: the slices of a post tile the whole range of ids: every follower is in exactly one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

# The largest possible id. The last slice of a post ends here, so that it includes people who begin
# to follow before the slice is written.
END = 2**63 - 1

# (after, up_to): the follower ids with after < id <= up_to.
Range = tuple[int, int]


class Slice(NamedTuple):
    """The followers of a post's author with `after` < id <= `up_to`."""

    post_id: int
    after: int
    up_to: int


def tile(post_id: int, ends: Sequence[int]) -> list[Slice]:
    """The slices that end at the ascending follower ids in `ends`, but the last one at END; a
    single slice if `ends` is empty."""
    starts = [0, *ends[:-1]]
    stops = [*ends[:-1], END]
    return [Slice(post_id, after, up_to) for after, up_to in zip(starts, stops, strict=True)]


def disjoint(slices: Iterable[Slice], done: Mapping[int, Iterable[Range]]) -> list[Slice]:
    """The parts of `slices` outside the ranges that are `done` (by post id), ascending. The result
    does not overlap, even if `slices` do."""
    missing: list[Slice] = []
    reached: dict[int, int] = {}
    for post_id, after, end in sorted(slices):
        at = max(after, reached.get(post_id, 0))
        for first, last in [*sorted(done.get(post_id, ())), (end, end)]:
            if at < min(first, end):
                missing.append(Slice(post_id, at, min(first, end)))
            at = max(at, last)
        reached[post_id] = max(end, reached.get(post_id, 0))
    return missing
