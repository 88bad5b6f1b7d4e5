"""Reading a timeline forward: what came since, though rows may come late and with lower ids.

Guarantee: a client that follows its positions is given every post that comes to be shown in the
timeline, each once, in whatever order the rows are written; save what is older than all that a
first position can hold.
"""

from collections.abc import Iterable
from typing import NamedTuple

from timelines import reading
from timelines.reading import Page, State

# How far a client may read ahead of a post that is late. A position with so many ids still fits
# into a URL; who has them all waits for the late one.
AHEAD = 200


class Position(NamedTuple):
    """Where a client stands: it has everything up to `floor`, and above it the posts `seen`."""

    floor: int
    seen: tuple[int, ...] = ()


def position(owner: int, known: State, page: Page, *, lead: int = AHEAD) -> Position:
    """Where somebody stands who begins with this page; `known` was read before it."""
    if not page.posts:
        return Position(known.complete)
    ids = [post.pk for post in page.posts]
    floor = min(known.complete, ids[0])
    if page.more and ids[-1] > floor + 1:
        # What is there already between the floor and the page is found by reading backward. The
        # other half of the lead is for what comes.
        below = reading.older(owner, known, ids[-1], lead // 2)
        ids += [post.pk for post in below.posts]
        if below.more:
            # So much is there already that what lies below it is left to reading backward.
            floor = max(floor, ids[-1] - 1)
    return _stand(floor, ids)


def newer(
    owner: int, known: State, at: Position, size: int, *, lead: int = AHEAD
) -> tuple[Page, Position]:
    """The next posts for a client at `at`, and where it then stands; `known` was read before."""
    # No position is beyond the newest post, save one from while a horizon was.
    at = at._replace(floor=min(at.floor, known.newest))
    page = reading.newer(owner, known, at.floor, size, without=at.seen)
    # Posts up to here were complete before this was read, so they are in this page or `seen`.
    floor = known.complete
    if page.more:
        floor = min(floor, page.posts[0].pk) if page.posts else at.floor
    room = lead - sum(pk > known.complete for pk in at.seen)
    ahead = [post for post in page.posts if post.pk > known.complete]
    if len(ahead) > room:
        early = ahead[: len(ahead) - max(room, 0)]
        page = Page([post for post in page.posts if post not in early], more=False)
    return page, _stand(max(at.floor, floor), [*at.seen, *(post.pk for post in page.posts)])


def _stand(floor: int, ids: Iterable[int]) -> Position:
    return Position(floor, tuple(sorted(pk for pk in ids if pk > floor)))
