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

from fanout import partitions
from notifications.models import Notification, ReadMark
from social import posts
from social.models import Mute, Post, User
from social.read_marks import MERGED, ReadPosts

PAGE = 50
# In a page, one after the other: 1, 2, 4, 8, 16, 16, 16 and 16 partitions.
WINDOWS = 8
WINDOW_PARTITIONS = 16

# Below a mark notifications may come late: of so many that were there, in as many partitions as one
# window has, it is known which. What lies below them counts as read.
REMEMBERED = 100

# By the primary key of each partition in the window. Those that were there when the mark was set
# are read; which half of the list a row belongs to is asked of the mark and the moment at which the
# list was begun.
OLDER = """
    SELECT post_id, created_at, held,
           read_at IS NOT NULL OR post_id <= %(floor)s OR post_id = ANY(%(above)s) AS read
    FROM notifications_notification
    WHERE recipient_id = %(recipient)s AND post_id >= %(lower)s AND post_id < %(upper)s
          AND (post_id <= %(floor_then)s OR post_id = ANY(%(above_then)s)
               OR coalesce(read_at <= %(then)s, false)) = %(half)s
    ORDER BY post_id DESC LIMIT %(size)s
"""

# Likewise.
THERE = """
    SELECT post_id FROM notifications_notification
    WHERE recipient_id = %s AND post_id >= %s AND post_id <= %s ORDER BY post_id DESC LIMIT %s
"""
MARK = f"""
    INSERT INTO notifications_readmark AS mark (user_id, post_id, read_floor, read_above)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (user_id) DO UPDATE SET {MERGED.format(up_to="post_id")}
"""


class Told(NamedTuple):
    """A notification; `held` names the preference by which it was not pushed."""

    post: Post
    created_at: datetime
    held: str | None
    read: bool


class Place(NamedTuple):
    """Where a page begins: below post id `before`, in the half that was not read or in the one that
    was `read` when the list was begun, at `then` and with that mark: see ReadPosts."""

    read: bool
    before: int | None
    mark: int
    then: datetime
    floor: int = 0
    above: tuple[int, ...] = ()


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
    mark, read = _mark(user)
    at = at or Place(False, None, mark, now, read.floor, read.above)
    windows = _windows(at, unread)
    rows: list[tuple] = []
    for window in islice(windows, WINDOWS):
        # One more than the page, to know whether there is another one.
        found = _rows(user, at, window, read, size + 1 - len(rows))
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


def mark_read_up_to(user: User, post_id: int, *, remembered: int = REMEMBERED) -> bool:
    """Note that this notification and all of older posts that are there are read; False where there
    is none."""
    if not Notification.objects.filter(recipient=user, post_id=post_id).exists():
        return False
    read = _there(user, post_id, remembered)
    with connection.cursor() as cursor:
        cursor.execute(MARK, [user.pk, post_id, read.floor, list(read.above)])
    return True


def _there(user: User, up_to: int, remembered: int) -> ReadPosts:
    firsts = [first for first, _ in partitions.bounds(Notification._meta.db_table)]
    oldest = [first for first in firsts if first <= up_to][-WINDOW_PARTITIONS:][0]
    with connection.cursor() as cursor:
        cursor.execute(THERE, [user.pk, oldest, up_to, remembered])
        ids = [row[0] for row in cursor]
    return ReadPosts(ids[-1] - 1 if len(ids) == remembered else oldest - 1, tuple(ids[::-1]))


def _mark(user: User) -> tuple[int, ReadPosts]:
    marks = ReadMark.objects.filter(user=user)
    mark = marks.values_list("post_id", "read_floor", "read_above").first()
    return (mark[0], ReadPosts.of(*mark)) if mark else (0, ReadPosts())


def _rows(user: User, at: Place, window: Window, read: ReadPosts, size: int) -> list[tuple]:
    """Post id, time, reason not to push and whether it is read by now."""
    with connection.cursor() as cursor:
        cursor.execute(
            OLDER,
            {
                "recipient": user.pk,
                "half": window.read,
                "lower": window.lower,
                "upper": window.upper,
                "floor": read.floor,
                "above": list(read.above),
                "floor_then": at.floor,
                "above_then": list(at.above),
                "then": at.then,
                "size": size,
            },
        )
        return cursor.fetchall()


def _visible(user: User, rows: list[tuple]) -> list[Told]:
    found = _posts(user).in_bulk([post_id for _, post_id, *_ in rows])
    return [Told(found[post_id], *rest) for _, post_id, *rest in rows if post_id in found]


def _posts(user: User) -> QuerySet[Post]:
    """With their authors, less those whom the user mutes."""
    muted = Mute.objects.filter(muter=user, muted=OuterRef("author"))
    return posts.visible_to(user).filter(~Exists(muted))


def _windows(at: Place, unread: bool) -> Iterator[Window]:
    """Over the partitions there are: of what was not read, then, if wanted, of what was."""
    bounds = partitions.bounds(Notification._meta.db_table)
    if not at.read:
        for lower, upper in _steps(bounds, at.mark, at.before):
            yield Window(False, lower, upper)
        # Up to the mark all is read but what came late, in few partitions.
        upper = at.mark + 1 if at.before is None else min(at.before, at.mark + 1)
        if at.floor + 1 < upper:
            yield Window(False, at.floor + 1, upper)
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
