"""Read a home timeline page by page, newest first.

Guarantee: a page shows exactly the posts of the people whom the owner follows now, without deleted
posts and muted authors, even if rows are still to be written or removed. If rows do not fill the
page (they have expired, were never written, or are few), the authors' posts fill it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from social import shown_posts
from social.shown_posts import ShownPost
from timelines import pulling, rows, sources

PAGE = 50

# Rows to read per page, in up to three rounds, as (pages, additional rows). Some rows are not
# shown, because their author is muted or they are still to be removed. The 5 additional rows make
# up for a few of them; further rounds read more. Then the authors' posts fill the page.
ROUNDS = ((1, 5), (1, 0), (4, 0))

# Uses primary keys only. When timelines move to their own servers, only the newest post's id must
# come from the core. Until then one statement is cheaper: a second would cost more than this one.
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
    """What must be known before reading a page. All numbers are post ids: rows are kept from
    `horizon` on; every timeline is complete up to `complete`, except for the `stragglers`; `newest`
    is the newest post. If the owner is `dormant`, rows are missing. `seen_at` is when the owner
    last read the timeline, to the hour."""

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
    """Posts with their authors, newest first; `more` says whether there are further posts in the
    direction of reading."""

    posts: list[ShownPost]
    more: bool


def state(owner: int) -> State:
    """Read the state, by one statement; call this before reading the page."""
    with connection.cursor() as cursor:
        cursor.execute(STATE, [owner, owner])
        horizon, (complete, *stragglers), *others = cursor.fetchone()
        return State(horizon, complete, stragglers, *others)


def older(owner: int, known: State, before: int | None = None, size: int = PAGE) -> Page:
    """The newest `size` posts with an id below `before`."""
    # Read one post more than the page has, to know whether there is a next page.
    count = size + 1
    edge = known.newest + 1 if before is None else before
    posts: list[ShownPost] = []
    for pages, additional in () if known.dormant else ROUNDS:
        wanted = pages * count + additional
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
        # Compare the ids, not the posts: a post may have been deleted since its id was read.
        more = len(pulled) == missing
    return Page(posts[:size], more)


def newer(
    owner: int, known: State, after: int, size: int = PAGE, *, without: Sequence[int] = ()
) -> Page:
    """The oldest `size` posts with an id above `after`, except `without`; newest first."""
    count = size + 1
    edge = after
    posts: list[ShownPost] = []
    for pages, additional in () if known.dormant or after + 1 < known.horizon else ROUNDS:
        wanted = pages * count + additional
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
    """The posts with these ids that the owner sees, in the given order."""
    posts = shown_posts.read(ids)
    shown_from = sources.among(owner, {post.author.pk for post in posts}) if posts else {}
    return [
        post
        for post in posts
        if post.author.pk in shown_from and post.pk >= shown_from[post.author.pk]
    ]
