"""Reading a home timeline, newest first, page by page.

Guarantee: a page shows exactly the posts of those whom the owner follows now, and none that is
deleted or by somebody muted, whatever rows are still to be written or swept. Where rows do not
fill it (they have expired, were never written, or are few), it goes on with the authors' posts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from social import shown_posts
from social.shown_posts import ShownPost
from timelines import pulling, rows, sources

PAGE = 50

# How many rows are looked through for a page: so many pages of them, and so many more. Some may not
# be shown, being of somebody muted or not yet swept. A few such cost nothing; where they are more
# the next look follows, and after the last one the authors' posts are asked.
LOOKS = ((1, 5), (1, 0), (4, 0))

# All by primary keys. When timelines move to servers of their own, only the newest post is still
# asked of the core's; until then each statement more would cost more than all of this one.
STATE = """
    SELECT coalesce((SELECT post_id FROM social_horizon
                     WHERE table_name = 'timelines_timelineentry'), 0),
           coalesce((SELECT array_prepend(post_id, stragglers) FROM timelines_watermark
                     WHERE id = 1), '{0}'),
           coalesce((SELECT max(id) FROM social_post), 0),
           EXISTS (SELECT FROM timelines_dormant WHERE owner_id = %s),
           (SELECT seen_at FROM timelines_reader WHERE owner_id = %s)
"""


class State(NamedTuple):
    """What a reader must know before looking: rows are kept from post `horizon` on; every timeline
    is complete up to post `complete`, save the `stragglers`; post `newest` is the last there is.
    This timeline lacks rows where its owner is `dormant`, who last looked at `seen_at`."""

    horizon: int
    complete: int
    stragglers: Sequence[int]
    newest: int
    dormant: bool
    seen_at: datetime | None

    def between(self, first: int, end: int) -> set[int]:
        """The stragglers with `first` <= id < `end`."""
        return {pk for pk in self.stragglers if first <= pk < end}


class Page(NamedTuple):
    """Posts with their authors, newest first; `more` tells whether the direction goes on."""

    posts: list[ShownPost]
    more: bool


def state(owner: int) -> State:
    with connection.cursor() as cursor:
        cursor.execute(STATE, [owner, owner])
        horizon, (complete, *stragglers), *others = cursor.fetchone()
        return State(horizon, complete, stragglers, *others)


def older(owner: int, known: State, before: int | None = None, size: int = PAGE) -> Page:
    """The newest `size` posts with an id below `before`."""
    # One more than the page, to know whether there is another one.
    count = size + 1
    edge = known.newest + 1 if before is None else before
    posts: list[ShownPost] = []
    for pages, more in () if known.dormant else LOOKS:
        wanted = pages * count + more
        ids, below = rows.older(owner, edge, known.horizon, wanted)
        found = known.between(below, edge).union(ids)
        posts += _visible(owner, sorted(found, reverse=True))
        edge = below
        if len(posts) >= count or len(ids) < wanted:
            break
    more = len(posts) > size
    if not more and edge > 1:
        missing = count - len(posts)
        pulled = pulling.older(owner, edge, missing)
        posts += shown_posts.read(pulled)
        # One of them may have been deleted in between: the others go on all the same.
        more = len(pulled) == missing
    return Page(posts[:size], more)


def newer(
    owner: int, known: State, after: int, size: int = PAGE, *, without: Sequence[int] = ()
) -> Page:
    """The oldest `size` posts with an id above `after`, save those of `without`; newest first."""
    count = size + 1
    edge = after
    posts: list[ShownPost] = []
    for pages, more in () if known.dormant or after + 1 < known.horizon else LOOKS:
        wanted = pages * count + more
        ids, above = rows.newer(owner, edge, known.newest, wanted, without)
        found = known.between(edge + 1, above + 1).difference(without).union(ids)
        posts += _visible(owner, sorted(found))
        edge = above
        if len(posts) >= count or len(ids) < wanted:
            break
    more = len(posts) > size
    if not more and edge < known.newest:
        missing = count - len(posts)
        pulled = pulling.newer(owner, edge, known.newest, missing, without)
        posts += shown_posts.read(pulled)
        more = len(pulled) == missing
    return Page(posts[:size][::-1], more)


def _visible(owner: int, ids: Sequence[int]) -> list[ShownPost]:
    """The posts with these ids, in this order, less those that the owner is not shown."""
    posts = shown_posts.read(ids)
    shown_from = sources.among(owner, {post.author.pk for post in posts}) if posts else {}
    return [
        post
        for post in posts
        if post.author.pk in shown_from and post.pk >= shown_from[post.author.pk]
    ]
