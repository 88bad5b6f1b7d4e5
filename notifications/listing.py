"""A user's notifications: first the unread half, then the read half, each with the newest first.

Guarantee: a page takes a bounded number of statements, each over a bounded number of partitions,
however many notifications there are. It shows no post that the user may not see or has muted.
Following pages repeat nothing and leave nothing out, whatever is marked as read meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from fanout import partitions
from notifications import marks
from notifications.marks import Marks
from notifications.models import Notification
from social import posts
from social.models import Mute, Post, User
from social.read_marks import ReadPosts

PAGE = 50
MOST = 99
# A page reads at most this many windows: of 1, 2, 4, 8, 16, 16, 16 and 16 partitions.
WINDOWS = 8
WINDOW_PARTITIONS = 16

# The notifications of one window. Those that were present when the mark was set are read. The half
# of the list to which a row belongs depends on the mark, and the moment, at which the client
# started the list.
# Uses the primary key of each partition in the window.
ROWS = """
    SELECT post_id, created_at, held,
           read_at IS NOT NULL OR post_id <= %(floor)s OR post_id = ANY(%(above)s) AS read
    FROM notifications_notification
    WHERE recipient_id = %(recipient)s AND post_id >= %(lower)s AND post_id < %(upper)s
          AND dismissed_at IS NULL
          AND (post_id <= %(floor_then)s OR post_id = ANY(%(above_then)s)
               OR coalesce(read_at <= %(then)s, false)) = %(half)s
    ORDER BY post_id DESC LIMIT %(size)s
"""


class Entry(NamedTuple):
    """A notification; `held` names the preference that suppressed its push. One that is read is
    also seen."""

    post: Post
    created_at: datetime
    held: str | None
    read: bool
    seen: bool


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


@dataclass(frozen=True, slots=True)
class Unread:
    """The unread notifications, and those of them that are not seen either. `more` is True if there
    are more than `count`."""

    count: int
    unseen: int
    more: bool


def page(
    user: User, *, now: datetime, at: Place | None = None, unread: bool = False, size: int = PAGE
) -> Page:
    """Read at most `size` notifications from the place `at`, or from the start of the list. A page
    may have fewer, even none, although the list goes on. `unread` leaves out the read half."""
    known = marks.of(user)
    rows, following = _gather(user, at or _start(known, now), known, unread, size)
    found = _posts(user).in_bulk([post_id for _, post_id, *_ in rows])
    entries = [
        Entry(found[post_id], created_at, held, read, read or post_id in known.seen)
        for _, post_id, created_at, held, read in rows
        if post_id in found
    ]
    return Page(entries, following)


def count_unread(user: User, *, now: datetime, most: int = MOST) -> Unread:
    """Count the unread notifications among the newest, as far as one page reaches."""
    known = marks.of(user)
    rows, following = _gather(user, _start(known, now), known, True, most)
    shown = _posts(user).filter(pk__in=[post_id for _, post_id, *_ in rows])
    ids = list(shown.values_list("pk", flat=True))
    unseen = sum(post_id not in known.seen for post_id in ids)
    return Unread(len(ids), unseen, len(rows) == most and following is not None)


def dismiss(user: User, post_id: int, *, now: datetime) -> bool:
    """Remove a notification from the list. Returns False if there never was one."""
    own = Notification.objects.filter(recipient=user, post_id=post_id)
    return bool(own.update(dismissed_at=Coalesce("dismissed_at", now)))


def mark_read(user: User, post_id: int, *, now: datetime) -> bool:
    """Mark one notification as read. Returns False if there is none."""
    own = Notification.objects.filter(recipient=user, post_id=post_id)
    return bool(own.update(read_at=Coalesce("read_at", now)))


def _start(known: Marks, now: datetime) -> Place:
    return Place(False, None, known.up_to, now, known.read.floor, known.read.above)


def _gather(
    user: User, at: Place, known: Marks, unread: bool, size: int
) -> tuple[list[Row], Place | None]:
    """At most `size` rows from the place `at`, and the place where the next page starts."""
    windows = _windows(at, unread)
    rows: list[Row] = []
    for window in islice(windows, WINDOWS):
        # Read one more than the page holds, to know whether there is another page.
        found = _rows(user, at, window, known.read, size + 1 - len(rows))
        rows += [(window.read, *each) for each in found]
        if len(rows) > size:
            half, last, *_ = rows[size - 1]
            return rows[:size], at._replace(read=half, before=last)
    following = next(windows, None)
    return rows, following and at._replace(read=following.read, before=following.upper)


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
