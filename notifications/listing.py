"""The notifications list: what a user was told of, first what is not read, each newest first.

Guarantee: a page costs a bounded number of statements, each over a bounded number of partitions,
however many notifications there are; it shows no post that its reader may not or will not see.
Going on repeats nothing and leaves nothing out, whatever is marked as read meanwhile.
"""

from collections.abc import Iterator
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

# By the primary key of each partition in the window. Those up to the mark are read; which half of
# the list a row belongs to is asked of the mark and the moment at which the list was begun.
OLDER = """
    SELECT post_id, created_at, held, read_at IS NOT NULL OR post_id <= %(mark)s AS read
    FROM notifications_notification
    WHERE recipient_id = %(recipient)s AND post_id >= %(lower)s AND post_id < %(upper)s
          AND (post_id <= %(mark_then)s OR coalesce(read_at <= %(then)s, false)) = %(half)s
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


class Place(NamedTuple):
    """Where a page begins: below post id `before`, in the half that was not read or in the one that
    was `read` when the list was begun, at `then` and with that mark."""

    read: bool
    before: int | None
    mark: int
    then: datetime


class Window(NamedTuple):
    """Post ids, [lower, upper), in a half of the list."""

    read: bool
    lower: int
    upper: int


class Page(NamedTuple):
    """The list goes on at `rest`, or ends where that is None."""

    told: list[Told]
    rest: Place | None


def page(
    user: User, *, now: datetime, at: Place | None = None, unread: bool = False, size: int = PAGE
) -> Page:
    """At most `size` notifications from that place on, or from the list's begin. There may be
    fewer, even none, where the list goes on."""
    mark = _mark(user)
    at = at or Place(read=False, before=None, mark=mark, then=now)
    windows = _windows(at, unread)
    rows: list[tuple] = []
    for window in islice(windows, WINDOWS):
        # One more than the page, to know whether there is another one.
        found = _rows(user, at, window, mark, size + 1 - len(rows))
        rows += [(window.read, *row) for row in found]
        if len(rows) > size:
            half, last, *_ = rows[size - 1]
            return Page(_visible(user, rows[:size]), at._replace(read=half, before=last))
    following = next(windows, None)
    rest = following and at._replace(read=following.read, before=following.upper)
    return Page(_visible(user, rows), rest)


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


def _rows(user: User, at: Place, window: Window, mark: int, size: int) -> list[tuple]:
    """Post id, time, reason not to push and whether it is read by now."""
    with connection.cursor() as cursor:
        cursor.execute(
            OLDER,
            {
                "recipient": user.pk,
                "half": window.read,
                "lower": window.lower,
                "upper": window.upper,
                "mark": mark,
                "mark_then": at.mark,
                "then": at.then,
                "size": size,
            },
        )
        return cursor.fetchall()


def _visible(user: User, rows: list[tuple]) -> list[Told]:
    found = _posts(user).in_bulk([post_id for _, post_id, *_ in rows])
    return [Told(found[post_id], *rest) for _, post_id, *rest in rows if post_id in found]


def _posts(user: User) -> QuerySet[Post]:
    """With their authors, less those whom the user blocks or mutes."""
    blocked = Block.objects.filter(blocker=user, blocked=OuterRef("author"))
    muted = Mute.objects.filter(muter=user, muted=OuterRef("author"))
    return posts.visible_to(user).filter(~Exists(blocked), ~Exists(muted))


def _windows(at: Place, unread: bool) -> Iterator[Window]:
    """Over the partitions there are: of what was not read, then, if wanted, of what was."""
    bounds = partitions.bounds(Notification._meta.db_table)
    if not at.read:
        # All up to the mark is read.
        for lower, upper in _steps(bounds, at.mark, at.before):
            yield Window(False, lower, upper)
    if not unread:
        for lower, upper in _steps(bounds, 0, at.before if at.read else None):
            yield Window(True, lower, upper)


def _steps(bounds, above: int, before: int | None) -> Iterator[tuple[int, int]]:
    """Ranges of post ids, [lower, upper), newest first, in doubling steps; of what is below
    `before` and above `above`."""
    ranges = [
        (max(first, above + 1), end if before is None else min(end, before))
        for first, end in reversed(bounds)
    ]
    ranges = [(first, end) for first, end in ranges if first < end]
    step = 1
    while ranges:
        window, ranges = ranges[:step], ranges[step:]
        yield window[-1][0], window[0][1]
        step = min(step * 2, WINDOW_PARTITIONS)
