"""Read a timeline forward: the posts that have arrived since a position. Posts may arrive late,
with lower ids than posts that the client already has.

Guarantee: a client that follows the positions gets every post that appears in the timeline, each
once, in whatever order the rows are written. The only exception are late posts older than all that
the client's first position can hold (see docs/timelines.md).
"""

from collections.abc import Iterable
from typing import NamedTuple

from timelines import reading
from timelines.reading import Page, State

# A client may have at most this many posts above the watermark: their ids must fit into a URL. A
# client that has that many waits for the late post.
AHEAD = 200


class Position(NamedTuple):
    """A client's position: it has all posts up to `floor`, and those in `seen` above it."""

    floor: int
    seen: tuple[int, ...] = ()


def position(owner: int, known: State, page: Page, *, lead: int = AHEAD) -> Position:
    """The forward-reading position for a client that starts from this page. `known` must have been
    read before the page."""
    if not page.posts:
        return Position(known.complete)
    ids = [post.pk for post in page.posts]
    floor = min(known.complete, ids[0])
    if page.more and ids[-1] > floor + 1:
        # Posts between the floor and the page have arrived already: the client finds them by
        # reading backward, so they count as seen. Keep half of the lead for later posts.
        below = reading.older(owner, known, ids[-1], lead // 2)
        ids += [post.pk for post in below.posts]
        if below.more:
            # There are too many to hold. Leave all posts below these to reading backward.
            floor = max(floor, ids[-1] - 1)
    return _position(floor, ids)


def newer(
    owner: int, known: State, at: Position, size: int, *, lead: int = AHEAD
) -> tuple[Page, Position]:
    """The next posts for a client at position `at`, and its position after them. `known` must have
    been read before this call."""
    # A position is above the newest post only if it was made while a horizon was.
    at = at._replace(floor=min(at.floor, known.newest))
    page = reading.newer(owner, known, at.floor, size, without=at.seen)
    # Every timeline was complete up to here before we read the page, so all posts up to here are in
    # the page or in `seen`.
    floor = known.complete
    if page.more:
        floor = min(floor, page.posts[0].pk) if page.posts else at.floor
    room = lead - sum(pk > known.complete for pk in at.seen)
    ahead = [post for post in page.posts if post.pk > known.complete]
    if len(ahead) > room:
        early = ahead[: len(ahead) - max(room, 0)]
        page = Page([post for post in page.posts if post not in early], more=False)
    return page, _position(max(at.floor, floor), [*at.seen, *(post.pk for post in page.posts)])


def _position(floor: int, ids: Iterable[int]) -> Position:
    return Position(floor, tuple(sorted(pk for pk in ids if pk > floor)))
