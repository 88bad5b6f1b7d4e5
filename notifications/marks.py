"""A user's marks in the list of notifications: up to which one they have read it, and up to which
one they have seen it.

Guarantee: a notification that arrives after a mark was made is neither read nor seen, even if its
post is older than the mark's (see social/read_marks.py).
"""

from typing import NamedTuple

from django.db import connection

from fanout import partitions
from notifications.models import Notification, ReadMark
from social.models import User
from social.read_marks import MERGED, READ, ReadPosts

# A notification may come late, with a post id below the mark, and is then unread. To recognise
# that, a mark remembers up to this many notifications that were present below it, in at most
# PARTITIONS partitions. Whatever lies below these counts as read.
REMEMBERED = 100
PARTITIONS = 16

# The newest notifications up to a post. Uses the primary key of each partition.
PRESENT = """
    SELECT post_id FROM notifications_notification
    WHERE recipient_id = %s AND post_id >= %s AND post_id <= %s ORDER BY post_id DESC LIMIT %s
"""
MARK_READ = f"""
    INSERT INTO notifications_readmark AS mark (user_id, post_id, read_floor, read_above)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (user_id) DO UPDATE SET {MERGED.format(up_to="post_id", **READ)}
"""
SEEN = {"up_to": "seen_up_to", "floor": "seen_floor", "above": "seen_above"}
# A row that is inserted here has read nothing.
MARK_SEEN = f"""
    INSERT INTO notifications_readmark AS mark
        (user_id, post_id, read_floor, read_above, seen_up_to, seen_floor, seen_above)
    VALUES (%s, 0, 0, '{{}}', %s, %s, %s)
    ON CONFLICT (user_id) DO UPDATE SET {MERGED.format(**SEEN)}
"""


class Marks(NamedTuple):
    """`up_to` is the post of the read mark."""

    up_to: int
    read: ReadPosts
    seen: ReadPosts


def of(user: User) -> Marks:
    row = ReadMark.objects.filter(user=user).first()
    if row is None:
        return Marks(0, ReadPosts(), ReadPosts())
    seen = ReadPosts.of(row.seen_up_to, row.seen_floor, row.seen_above)
    return Marks(row.post_id, ReadPosts.of(row.post_id, row.read_floor, row.read_above), seen)


def mark_read(user: User, post_id: int, *, remembered: int = REMEMBERED) -> bool:
    """Mark this notification, and all present ones of older posts, as read. Returns False if the
    user has no notification of this post."""
    return _mark(MARK_READ, user, post_id, remembered)


def mark_seen(user: User, post_id: int, *, remembered: int = REMEMBERED) -> bool:
    """The same for seen: the user has had the list before them, and opened nothing."""
    return _mark(MARK_SEEN, user, post_id, remembered)


def _mark(statement: str, user: User, post_id: int, remembered: int) -> bool:
    if not Notification.objects.filter(recipient=user, post_id=post_id).exists():
        return False
    present = _present(user, post_id, remembered)
    with connection.cursor() as cursor:
        cursor.execute(statement, [user.pk, post_id, present.floor, list(present.above)])
    return True


def _present(user: User, up_to: int, remembered: int) -> ReadPosts:
    firsts = [first for first, _ in partitions.bounds(Notification._meta.db_table)]
    oldest = [first for first in firsts if first <= up_to][-PARTITIONS:][0]
    with connection.cursor() as cursor:
        cursor.execute(PRESENT, [user.pk, oldest, up_to, remembered])
        ids = [row[0] for row in cursor]
    return ReadPosts(ids[-1] - 1 if len(ids) == remembered else oldest - 1, tuple(ids[::-1]))
