"""How many posts of a timeline its owner has not read yet: counted no further than a page shows."""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from social.models import Post
from timelines import reading
from timelines.models import Reader
from timelines.reading import State

MOST = 99

# Never backward: two devices may tell in any order.
MARK = """
    INSERT INTO timelines_reader (owner_id, seen_at, read_up_to) VALUES (%s, %s, %s)
    ON CONFLICT (owner_id) DO UPDATE
        SET read_up_to = greatest(timelines_reader.read_up_to, excluded.read_up_to)
"""


class Unread(NamedTuple):
    """`more` tells that there are more than these."""

    count: int
    more: bool


def count(owner: int, known: State, *, most: int = MOST) -> Unread:
    read_up_to = Reader.objects.filter(owner=owner).values_list("read_up_to", flat=True).first()
    page = reading.older(owner, known, size=most + 1)
    unread = sum(post.pk > (read_up_to or 0) for post in page.posts)
    return Unread(min(unread, most), unread > most)


def mark_read(owner: int, up_to: int, *, now: datetime) -> None:
    """Posts up to this one are read; no mark is ahead of the newest post, for then the next ones
    would be read before they are written."""
    newest = Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with connection.cursor() as cursor:
        cursor.execute(MARK, [owner, now, min(up_to, newest)])
