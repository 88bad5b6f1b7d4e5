"""A user's notifications: first the unread half, then the read half, each with the newest first.

Guarantee: a page takes a bounded number of statements, each over a bounded number of partitions,
however many notifications there are. It shows no post that the user may not see or has muted.
Following pages repeat nothing and leave nothing out, whatever is marked as read meanwhile.
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
# A page reads at most this many windows: of 1, 2, 4, 8, 16, 16, 16 and 16 partitions.
WINDOWS = 8
WINDOW_PARTITIONS = 16

# A notification may come late, with a post id below the mark, and is then unread. To recognise
# that, a mark remembers up to this many notifications that were present below it, in at most
# WINDOW_PARTITIONS partitions. Whatever lies below these counts as read.
REMEMBERED = 100

# The notifications of one window. Those that were present when the mark was set are read. The half
# of the list to which a row belongs depends on the mark, and the moment, at which the client
# started the list.
# Uses the primary key of each partition in the window.
ROWS = """
    SELECT post_id, created_at, held,
           read_at IS NOT NULL OR post_id <= %(floor)s OR post_id = ANY(%(above)s) AS read
    FROM notifications_notification
    WHERE recipient_id = %(recipient)s AND post_id >= %(lower)s AND post_id < %(upper)s
          AND (post_id <= %(floor_then)s OR post_id = ANY(%(above_then)s)
               OR coalesce(read_at <= %(then)s, false)) = %(half)s
    ORDER BY post_id DESC LIMIT %(size)s
"""

# The newest notifications up to a post. Uses the primary key of each partition.
PRESENT = """
    SELECT post_id FROM notifications_notification
    WHERE recipient_id = %s AND post_id >= %s AND post_id <= %s ORDER BY post_id DESC LIMIT %s
"""
MARK = f"""
    INSERT INTO notifications_readmark AS mark (user_id, post_id, read_floor, read_above)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (user_id) DO UPDATE SET {MERGED.format(up_to="post_id")}
"""


class Entry(NamedTuple):
    """A notification; `held` names the preference that suppressed its push."""

    post: Post
    created_at: datetime
    held: str | None
    read: bool


class Place(NamedTuple):
    """Where a page starts: below post id `before` (None: at the newest), in the unread or the
    `read` half. A post belongs to the half to which it belonged when the client started the list,
    at the moment `then`, with the mark `mark`, `floor` and `above` (see ReadPosts)."""

    read: bool
    before: int | None
    mark: int
    then: datetime
    floor: int = 0
    above: tuple[int, ...] = ()


class Window(NamedTuple):
    """A range of post ids, [lower, upper), in the read half of the list if `read`, else in the
    unread half."""

    read: bool
    lower: int
    upper: int


class Page(NamedTuple):
    """`next` is where the next page starts; None at the end of the list."""

    entries: list[Entry]
    next: Place | None


# Post id, time, reason of suppression or None, whether it is read now.
Found = tuple[int, datetime, str | None, bool]
# The same after whether it lies in the read half of the list.
Row = tuple[bool, int, datetime, str | None, bool]


def page(
    user: User, *, now: datetime, at: Place | None = None, unread: bool = False, size: int = PAGE
) -> Page:
    """Read at most `size` notifications from the place `at`, or from the start of the list. A page
    may have fewer, even none, although the list goes on. `unread` leaves out the read half."""
    mark, read = _mark(user)
    at = at or Place(False, None, mark, now, read.floor, read.above)
    windows = _windows(at, unread)
    rows: list[Row] = []
    for window in islice(windows, WINDOWS):
        # Read one more than the page holds, to know whether there is another page.
        found = _rows(user, at, window, read, size + 1 - len(rows))
        rows += [(window.read, *each) for each in found]
        if len(rows) > size:
            half, last, *_ = rows[size - 1]
            return Page(_visible(user, rows[:size]), at._replace(read=half, before=last))
    following = next(windows, None)
    then = following and at._replace(read=following.read, before=following.upper)
    return Page(_visible(user, rows), then)


def mark_read(user: User, post_id: int, *, now: datetime) -> bool:
    """Mark one notification as read. Returns False if there is none."""
    own = Notification.objects.filter(recipient=user, post_id=post_id)
    return bool(own.update(read_at=Coalesce("read_at", now)))


def mark_read_up_to(user: User, post_id: int, *, remembered: int = REMEMBERED) -> bool:
    """Mark this notification, and all present ones of older posts, as read. Returns False if the
    user has no notification of this post."""
    if not Notification.objects.filter(recipient=user, post_id=post_id).exists():
        return False
    read = _present(user, post_id, remembered)
    with connection.cursor() as cursor:
        cursor.execute(MARK, [user.pk, post_id, read.floor, list(read.above)])
    return True


def _present(user: User, up_to: int, remembered: int) -> ReadPosts:
    firsts = [first for first, _ in partitions.bounds(Notification._meta.db_table)]
    oldest = [first for first in firsts if first <= up_to][-WINDOW_PARTITIONS:][0]
    with connection.cursor() as cursor:
        cursor.execute(PRESENT, [user.pk, oldest, up_to, remembered])
        ids = [row[0] for row in cursor]
    return ReadPosts(ids[-1] - 1 if len(ids) == remembered else oldest - 1, tuple(ids[::-1]))


def _mark(user: User) -> tuple[int, ReadPosts]:
    marks = ReadMark.objects.filter(user=user)
    mark = marks.values_list("post_id", "read_floor", "read_above").first()
    return (mark[0], ReadPosts.of(*mark)) if mark else (0, ReadPosts())


def _rows(user: User, at: Place, window: Window, read: ReadPosts, size: int) -> list[Found]:
    with connection.cursor() as cursor:
        cursor.execute(
            ROWS,
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
        return [(post, at_, held, read_now) for post, at_, held, read_now in cursor]


def _visible(user: User, rows: list[Row]) -> list[Entry]:
    found = _posts(user).in_bulk([post_id for _, post_id, *_ in rows])
    return [
        Entry(found[post_id], created_at, held, read)
        for _, post_id, created_at, held, read in rows
        if post_id in found
    ]


def _posts(user: User) -> QuerySet[Post]:
    """The posts that the user may see, without those of muted authors."""
    muted = Mute.objects.filter(muter=user, muted=OuterRef("author"))
    return posts.visible_to(user).filter(~Exists(muted))


def _windows(at: Place, unread: bool) -> Iterator[Window]:
    """The windows of the unread half, then those of the read half (unless `unread`)."""
    bounds = partitions.bounds(Notification._meta.db_table)
    if not at.read:
        for lower, upper in _steps(bounds, at.mark, at.before):
            yield Window(False, lower, upper)
        # Up to the mark, only notifications that came late are unread. They lie in few partitions.
        upper = at.mark + 1 if at.before is None else min(at.before, at.mark + 1)
        if at.floor + 1 < upper:
            yield Window(False, at.floor + 1, upper)
    if not unread:
        for lower, upper in _steps(bounds, 0, at.before if at.read else None):
            yield Window(True, lower, upper)


def _steps(
    bounds: list[tuple[int, int]], above: int, before: int | None
) -> Iterator[tuple[int, int]]:
    """Ranges of post ids, [lower, upper), from `before` down to `above`, both exclusive, newest
    first. Each step spans twice as many partitions as the last one, up to WINDOW_PARTITIONS."""
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
