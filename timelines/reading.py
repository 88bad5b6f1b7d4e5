"""Reading a home timeline, newest first, page by page.

Guarantee: a page shows exactly the posts of those whom the owner follows now, and none that is
deleted or by somebody muted, whatever rows are still to be swept.
"""

from typing import NamedTuple

from django.db import connection

from social import partitions
from social.models import Post
from timelines.models import TimelineEntry

PAGE = 50
# A query plans and scans this many partitions at most; the first ones look at few.
WINDOW_PARTITIONS = 16

# By the primary key of each partition in the window.
OLDER = """
    SELECT post_id FROM timelines_timelineentry
    WHERE owner_id = %s AND post_id >= %s AND post_id < %s
    ORDER BY post_id DESC LIMIT %s
"""
NEWER = """
    SELECT post_id FROM timelines_timelineentry
    WHERE owner_id = %s AND post_id >= %s AND post_id < %s
    ORDER BY post_id LIMIT %s
"""
# Keyed by the owner, as the rows are: these tables will live together.
FOLLOWED = """
    SELECT followee_id FROM social_follow WHERE follower_id = %s AND followee_id = ANY(%s)
    EXCEPT SELECT muted_id FROM social_mute WHERE muter_id = %s
"""


class Page(NamedTuple):
    """Posts with their authors, newest first; `more` tells whether the direction goes on."""

    posts: list[Post]
    more: bool


def older(owner: int, before: int | None = None, size: int = PAGE) -> Page:
    """The newest `size` posts with an id below `before`."""
    return _page(owner, OLDER, before, size)


def newer(owner: int, after: int, size: int = PAGE) -> Page:
    """The oldest `size` posts with an id above `after`, newest first."""
    page = _page(owner, NEWER, after, size)
    return Page(page.posts[::-1], page.more)


def _page(owner: int, sql: str, edge: int | None, size: int) -> Page:
    visible: list[Post] = []
    for lower, upper in _windows(descending=sql is OLDER, edge=edge):
        while len(visible) <= size:
            # One more than the page, to know whether there is another one.
            wanted = size + 1 - len(visible)
            with connection.cursor() as cursor:
                cursor.execute(sql, [owner, lower, upper, wanted])
                ids = [row[0] for row in cursor]
            visible += _visible(owner, ids)
            if len(ids) < wanted:
                break
            lower, upper = (lower, ids[-1]) if sql is OLDER else (ids[-1] + 1, upper)
        if len(visible) > size:
            return Page(visible[:size], True)
    return Page(visible, False)


def _visible(owner: int, ids: list[int]) -> list[Post]:
    """The posts with these ids, in this order, less those that the owner may not see."""
    if not ids:
        return []
    posts = Post.objects.filter(deleted_at=None, author__is_active=True)
    found = posts.select_related("author").in_bulk(ids)
    authors = list({post.author_id for post in found.values()})
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWED, [owner, authors, owner])
        followed = {row[0] for row in cursor}
    return [found[pk] for pk in ids if pk in found and found[pk].author_id in followed]


def _windows(*, descending: bool, edge: int | None):
    """Ranges of post ids, [lower, upper), over the partitions there are, in doubling steps."""
    ranges = partitions.bounds(TimelineEntry._meta.db_table)
    if edge is not None:
        keep = (lambda r: r[0] < edge) if descending else (lambda r: r[1] > edge + 1)
        ranges = [r for r in ranges if keep(r)]
    if descending:
        ranges.reverse()
    step = 1
    while ranges:
        window, ranges = ranges[:step], ranges[step:]
        lower, upper = min(window)[0], max(window)[1]
        if edge is not None and descending:
            upper = min(upper, edge)
        elif edge is not None:
            lower = max(lower, edge + 1)
        yield lower, upper
        step = min(step * 2, WINDOW_PARTITIONS)
