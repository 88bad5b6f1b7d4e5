"""Reading a home timeline, newest first, page by page.

Guarantee: a page shows exactly the posts of those whom the owner follows now, and none that is
deleted or by somebody muted, whatever rows are still to be written or swept. Where rows do not
fill it (they have expired, were never written, or are few), it goes on with the authors' posts.
"""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from social import shown_posts
from social.shown_posts import ShownPost
from timelines import pulling, rows, sources

PAGE = 50

# Each by its primary key.
STATE = """
    SELECT coalesce((SELECT post_id FROM social_horizon
                     WHERE table_name = 'timelines_timelineentry'), 0),
           coalesce((SELECT max(post_id) FROM timelines_watermark), 0),
           EXISTS (SELECT FROM timelines_dormant WHERE owner_id = %s)
"""
NEWEST = "SELECT coalesce(max(id), 0) FROM social_post"


class State(NamedTuple):
    """What a reader must know before looking: rows are kept from post `horizon` on, every
    timeline is complete up to post `complete`, and this one is `dormant`: it lacks rows."""

    horizon: int
    complete: int
    dormant: bool


class Page(NamedTuple):
    """Posts with their authors, newest first; `more` tells whether the direction goes on."""

    posts: list[ShownPost]
    more: bool


def state(owner: int) -> State:
    with connection.cursor() as cursor:
        cursor.execute(STATE, [owner])
        return State(*cursor.fetchone())


def older(owner: int, known: State, before: int | None = None, size: int = PAGE) -> Page:
    """The newest `size` posts with an id below `before`."""
    # One more than the page, to know whether there is another one.
    count = size + 1
    edge = before if before is not None else _newest() + 1
    ids = []
    if not known.dormant:
        ids, edge = rows.older(owner, edge, known.horizon, count)
    posts = _visible(owner, ids)
    if len(posts) < count and edge > 1:
        posts += shown_posts.read(pulling.older(owner, edge, count - len(posts)))
    return Page(posts[:size], len(posts) > size)


def newer(
    owner: int, known: State, after: int, size: int = PAGE, *, without: Sequence[int] = ()
) -> Page:
    """The oldest `size` posts with an id above `after`, save those of `without`; newest first."""
    count = size + 1
    edge, newest = after, _newest()
    ids = []
    if not known.dormant and after + 1 >= known.horizon:
        ids, edge = rows.newer(owner, edge, newest, count, without)
    posts = _visible(owner, ids)
    if len(posts) < count and edge < newest:
        posts += shown_posts.read(pulling.newer(owner, edge, count - len(posts), without))
    return Page(posts[:size][::-1], len(posts) > size)


def _newest() -> int:
    with connection.cursor() as cursor:
        cursor.execute(NEWEST)
        return cursor.fetchone()[0]


def _visible(owner: int, ids: Sequence[int]) -> list[ShownPost]:
    """The posts with these ids, in this order, less those that the owner is not shown."""
    posts = shown_posts.read(ids)
    shown_from = sources.among(owner, {post.author.pk for post in posts}) if posts else {}
    return [
        post
        for post in posts
        if post.author.pk in shown_from and post.pk >= shown_from[post.author.pk]
    ]
