"""How long the tables that are partitioned by post id keep their rows.

Guarantee: nothing is dropped that readers may still look for. A table's horizon moves first; what
lies below it is detached, without waiting for readers or writers, and dropped by the next run. The
horizon never passes a post that is still to be written, however old the newest post is.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from django.db import connection

from fanout import partitions
from fanout.models import Horizon
from social.models import Post

log = structlog.get_logger(__name__)

HEAD = """
    SELECT coalesce((SELECT max(id) FROM social_post), 0),
           (SELECT last_value + is_called::int FROM social_post_id_seq)
"""
# The planner's estimate of rows; sizes include the index.
SIZES = """
    SELECT child.relname, child.reltuples::bigint, pg_total_relation_size(child.oid),
           inhdetachpending
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = %s::regclass
"""
# Left by a run that ended between detaching and dropping.
DETACHED = """
    SELECT relname FROM pg_class
    WHERE relname ~ ('^' || %s || '_p[0-9]+$') AND relkind = 'r' AND NOT relispartition
"""


class Head(NamedTuple):
    """The id of the newest post, 0 for none, and the lowest one that the next post can have."""

    newest: int
    coming: int


class Partition(NamedTuple):
    """The posts with `first` <= id < `end`; `newest` is when the newest of them, or else of those
    before, was posted. An estimate of -1 rows means that nobody has counted yet."""

    name: str
    first: int
    end: int
    rows: int
    bytes: int
    newest: datetime | None


def survey(table: str) -> list[Partition]:
    """Every partition of the table, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [table])
        sizes = {name: (rows, size) for name, rows, size, _ in cursor}
    return [
        Partition(name, first, end, *sizes.get(name, (-1, 0)), _newest_below(end))
        for name, first, end in partitions.named_bounds(table)
    ]


def expiring(table: str, keep: timedelta, *, now: datetime) -> int:
    """The horizon that the table should have: the end of the newest partition that, like all
    before it, holds only posts older than `keep`, and neither the newest post nor any to come."""
    horizon = partitions.horizon(table)
    live = min(head())
    for _, end in partitions.bounds(table):
        if end > live:
            break
        newest = _newest_below(end)
        if newest is None:
            continue
        if newest >= now - keep:
            break
        horizon = max(horizon, end)
    return horizon


def expire(table: str, keep: timedelta, *, now: datetime) -> list[str]:
    """Drop what lay below the horizon before this run, then move the horizon; returns the names
    of the dropped. `now` is the database's. Not inside a transaction: DETACH ... CONCURRENTLY
    refuses that."""
    bring_back(table)
    dropped = _drop_below(table, partitions.horizon(table))
    Horizon.objects.update_or_create(
        table_name=table, defaults={"post_id": expiring(table, keep, now=now)}
    )
    return dropped


def bring_back(table: str) -> None:
    """Mend a horizon beyond the posts to come, which would be written nowhere and told to nobody.
    The posts up to now stay expired: some of their rows are missing."""
    newest, coming = head()
    beyond = Horizon.objects.filter(table_name=table, post_id__gt=max(newest + 1, coming))
    if beyond.update(post_id=newest + 1):
        log.error("the horizon was beyond the posts to come", table=table, horizon=newest + 1)


def head() -> Head:
    with connection.cursor() as cursor:
        cursor.execute(HEAD)
        return Head(*cursor.fetchone())


def _drop_below(table: str, horizon: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [table])
        pending = {name for name, *_, detaching in cursor if detaching}
        for name, _, end in partitions.named_bounds(table):
            if end <= horizon:
                # One that was interrupted can only be finished, not begun again.
                how = "FINALIZE" if name in pending else "CONCURRENTLY"
                cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name} {how}")
        cursor.execute(DETACHED, [table])
        names = sorted(name for (name,) in cursor)
        for name in names:
            cursor.execute(f"DROP TABLE {name}")
    return names


def _newest_below(end: int) -> datetime | None:
    posts = Post.objects.filter(pk__lt=end).order_by("-pk")
    return posts.values_list("created_at", flat=True).first()
