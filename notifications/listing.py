"""The notifications list: what a user was told of, newest first, and what of it is read.

Guarantee: a page costs a bounded number of statements, each over a bounded number of partitions,
however many notifications there are; it shows no post that its reader may not or will not see.
"""

from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from notifications.models import Notification, ReadMark
from social import partitions, posts
from social.models import Block, Mute, Post, User

PAGE = 50
# In a page, one after the other: 1, 2, 4, 8, 16, 16, 16 and 16 partitions.
WINDOWS = 8
WINDOW_PARTITIONS = 16

# By the primary key of each partition in the window. Those up to the mark are read.
OLDER = """
    SELECT post_id, created_at, held, read_at IS NOT NULL OR post_id <= %(mark)s AS read
    FROM notifications_notification
    WHERE recipient_id = %(recipient)s AND post_id >= %(lower)s AND post_id < %(upper)s
          AND (NOT %(unread)s OR read_at IS NULL)
    ORDER BY post_id DESC LIMIT %(size)s
"""

# Marks move forward only, in whatever order they come.
MARK = """
    INSERT INTO notifications_readmark (user_id, post_id) VALUES (%s, %s)
    ON CONFLICT (user_id) DO UPDATE
        SET post_id = GREATEST(notifications_readmark.post_id, excluded.post_id)
"""


class Told(NamedTuple):
    """A notification; `held` names the preference by which it was not pushed."""

    post: Post
    created_at: datetime
    held: str | None
    read: bool


class Page(NamedTuple):
    """Newest first; the list goes on below post id `last`, or ends where that is None."""

    told: list[Told]
    last: int | None


def page(user: User, *, before: int | None = None, unread: bool = False, size: int = PAGE) -> Page:
    """At most `size` notifications of posts with an id below `before`. There may be fewer, even
    none, where the list goes on."""
    mark = _mark(user)
    rows: list[tuple] = []
    windows = _windows(before, mark if unread else 0)
    lower = None
    for lower, upper in islice(windows, WINDOWS):
        # One more than the page, to know whether there is another one.
        rows += _rows(user, lower, upper, mark, unread, size + 1 - len(rows))
        if len(rows) > size:
            return Page(_visible(user, rows[:size]), rows[size - 1][0])
    more = next(windows, None) is not None
    return Page(_visible(user, rows), lower if more else None)


def mark_read(user: User, post_id: int, *, now: datetime) -> bool:
    """Note that one notification is read; False where there is none."""
    own = Notification.objects.filter(recipient=user, post_id=post_id)
    return bool(own.update(read_at=Coalesce("read_at", now)))


def mark_read_up_to(user: User, post_id: int) -> bool:
    """Note that this notification and all of older posts are read; False where there is none."""
    if not Notification.objects.filter(recipient=user, post_id=post_id).exists():
        return False
    with connection.cursor() as cursor:
        cursor.execute(MARK, [user.pk, post_id])
    return True


def _mark(user: User) -> int:
    return ReadMark.objects.filter(user=user).values_list("post_id", flat=True).first() or 0


def _rows(
    user: User, lower: int, upper: int, mark: int, unread: bool, size: int
) -> list[tuple[int, datetime, str | None, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            OLDER,
            {
                "recipient": user.pk,
                "lower": lower,
                "upper": upper,
                "mark": mark,
                "unread": unread,
                "size": size,
            },
        )
        return cursor.fetchall()


def _visible(user: User, rows: list[tuple]) -> list[Told]:
    found = _posts(user).in_bulk([post_id for post_id, *_ in rows])
    return [Told(found[post_id], *rest) for post_id, *rest in rows if post_id in found]


def _posts(user: User) -> QuerySet[Post]:
    """With their authors, less those whom the user blocks or mutes."""
    blocked = Block.objects.filter(blocker=user, blocked=OuterRef("author"))
    muted = Mute.objects.filter(muter=user, muted=OuterRef("author"))
    return posts.visible_to(user).filter(~Exists(blocked), ~Exists(muted))


def _windows(before: int | None, above: int):
    """Ranges of post ids, [lower, upper), over the partitions there are, newest first, in doubling
    steps; of what is below `before` and above `above`."""
    upper = before
    ranges = [
        (max(first, above + 1), end if upper is None else min(end, upper))
        for first, end in reversed(partitions.bounds(Notification._meta.db_table))
    ]
    ranges = [(first, end) for first, end in ranges if first < end]
    step = 1
    while ranges:
        window, ranges = ranges[:step], ranges[step:]
        yield window[-1][0], window[0][1]
        step = min(step * 2, WINDOW_PARTITIONS)
