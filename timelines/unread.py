"""Count the unread posts of a timeline, among its newest ones only, and mark posts as read.

Guarantee: a post that arrives after the mark was made, with an id below it, is unread (see
social/read_marks.py).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from social.read_marks import MERGED, READ, ReadPosts
from timelines import reading, rows
from timelines.models import Reader
from timelines.reading import State

MOST = 99
# A mark stores the ids of at most this many rows above the watermark. Usually these are the rows of
# some seconds; in a backlog there may be more, and then the older ones count as read.
REMEMBERED = 200

MARK = f"""
    INSERT INTO timelines_reader AS mark (owner_id, seen_at, read_up_to, read_floor, read_above)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (owner_id) DO UPDATE SET {MERGED.format(up_to="read_up_to", **READ)}
"""


@dataclass(frozen=True)
class Unread:
    """`more` is True if there are more than `count` unread posts."""

    count: int
    more: bool


def count(owner: int, known: State, *, most: int = MOST) -> Unread:
    """Count the unread posts among the newest `most` + 1 of the timeline."""
    marks = Reader.objects.filter(owner=owner)
    mark = marks.values_list("read_up_to", "read_floor", "read_above").first()
    read = ReadPosts.of(*mark) if mark else ReadPosts()
    page = reading.older(owner, known, size=most + 1)
    unread = sum(post.pk not in read for post in page.posts)
    return Unread(min(unread, most), unread > most)


def mark_read(owner: int, up_to: int, *, now: datetime, remembered: int = REMEMBERED) -> None:
    """Mark the posts up to `up_to` that the timeline shows now as read. A mark above the newest
    post is lowered to it, or else future posts would count as read."""
    known = reading.state(owner)
    up_to = min(up_to, known.newest)
    read = _shown(owner, known, up_to, remembered)
    with connection.cursor() as cursor:
        cursor.execute(MARK, [owner, now, up_to, read.floor, list(read.above)])


def _shown(owner: int, known: State, up_to: int, remembered: int) -> ReadPosts:
    """The posts up to `up_to` that the timeline shows now."""
    # A dormant owner's timeline is read from the authors' posts, so that no post arrives late.
    if known.dormant:
        return ReadPosts(up_to)
    oldest = max(known.complete + 1, known.horizon)
    ids, reached = rows.older(owner, up_to + 1, oldest, remembered)
    return ReadPosts(reached - 1, tuple(ids[::-1]))
