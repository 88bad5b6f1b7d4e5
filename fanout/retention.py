"""Expiry of the tables that are partitioned by post id.

Guarantee: no partition is dropped that a reader may still read. A run moves the table's horizon;
only the next run detaches and drops the partitions below it, without waiting for readers or
writers. However old the newest post is, the horizon never passes a post still to be written.
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
# Rows are the planner's estimate; sizes are in bytes and include the index.
SIZES = """
    SELECT child.relname, child.reltuples::bigint, pg_total_relation_size(child.oid),
           inhdetachpending
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = %s::regclass
"""
# Finds the detached partitions that are not dropped yet, also those of a run that was interrupted.
DETACHED = """
    SELECT relname FROM pg_class
    WHERE relname ~ ('^' || %s || '_p[0-9]+$') AND relkind = 'r' AND NOT relispartition
"""


class Head(NamedTuple):
    """The id of the newest post (0 if there is none), and the lowest possible id of the next."""

    newest: int
    coming: int


class Partition(NamedTuple):
    """A partition: the posts with `first` <= id < `end`. `newest` is the time of the newest post
    with an id below `end`. `rows` is an estimate, and -1 if the table was never analyzed."""

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
    """The horizon that the table should have: the end of the newest partition that holds, like all
    partitions before it, only posts older than `keep`. A partition for the newest post or for
    future posts never counts."""
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
    """Drop the partitions that were below the horizon before this run, then move the horizon;
    returns the names of the dropped tables. `now` must be the database's time. Call it outside a
    transaction, because DETACH ... CONCURRENTLY refuses to run inside one."""
    bring_back(table)
    dropped = _drop_below(table, partitions.horizon(table))
    Horizon.objects.update_or_create(
        table_name=table, defaults={"post_id": expiring(table, keep, now=now)}
    )
    return dropped


def bring_back(table: str) -> None:
    """Lower a horizon that is above the next post's id: such posts would get neither timeline rows
    nor notifications. Posts up to now stay expired, because some of their rows are missing."""
    newest, coming = head()
    beyond = Horizon.objects.filter(table_name=table, post_id__gt=max(newest + 1, coming))
    if beyond.update(post_id=newest + 1):
        log.error("the horizon was above the next post's id", table=table, horizon=newest + 1)


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
                # An interrupted DETACH can only be finalized; PostgreSQL refuses a second one.
                how = "FINALIZE" if name in pending else "CONCURRENTLY"
                cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name} {how}")
        cursor.execute(DETACHED, [table])
        names = sorted(name for (name,) in cursor)
        for name in names:
            cursor.execute(f"DROP TABLE {name}")
    return names


def _newest_below(end: int) -> datetime | None:
    """The time of the newest post with an id below `end`; None if there is none."""
    posts = Post.objects.filter(pk__lt=end).order_by("-pk")
    return posts.values_list("created_at", flat=True).first()
