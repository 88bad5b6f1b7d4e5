"""How many posts of a timeline its owner has not read yet: counted no further than a page shows.

Guarantee: a post that comes late, with a lower id than the mark, is unread (see read_marks.py).
"""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from social.read_marks import MERGED, ReadPosts
from timelines import reading, rows
from timelines.models import Reader
from timelines.reading import State

MOST = 99
# Of the rows between what is known to be complete and the mark, which are those of some seconds but
# in a backlog, so many are remembered; what lies below them counts as read.
REMEMBERED = 200

MARK = f"""
    INSERT INTO timelines_reader AS mark (owner_id, seen_at, read_up_to, read_floor, read_above)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (owner_id) DO UPDATE SET {MERGED.format(up_to="read_up_to")}
"""


class Unread(NamedTuple):
    """`more` tells that there are more than these."""

    count: int
    more: bool


def count(owner: int, known: State, *, most: int = MOST) -> Unread:
    marks = Reader.objects.filter(owner=owner)
    mark = marks.values_list("read_up_to", "read_floor", "read_above").first()
    read = ReadPosts.of(*mark) if mark else ReadPosts()
    page = reading.older(owner, known, size=most + 1)
    unread = sum(post.pk not in read for post in page.posts)
    return Unread(min(unread, most), unread > most)


def mark_read(owner: int, up_to: int, *, now: datetime, remembered: int = REMEMBERED) -> None:
    """Posts up to this one that are shown by now are read; no mark is ahead of the newest post, for
    then the next ones would be read before they are written."""
    known = reading.state(owner)
    up_to = min(up_to, known.newest)
    read = _shown(owner, known, up_to, remembered)
    with connection.cursor() as cursor:
        cursor.execute(MARK, [owner, now, up_to, read.floor, list(read.above)])


def _shown(owner: int, known: State, up_to: int, remembered: int) -> ReadPosts:
    """What the owner is shown up to this post."""
    # What is read from the authors is shown as soon as it is posted.
    if known.dormant:
        return ReadPosts(up_to)
    oldest = max(known.complete + 1, known.horizon)
    ids, reached = rows.older(owner, up_to + 1, oldest, remembered)
    return ReadPosts(reached - 1, tuple(ids[::-1]))
