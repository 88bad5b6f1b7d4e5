"""Tables that are partitioned by ranges of post ids, so that new rows go into a small index and old
rows are removed by dropping a table.

Guarantee: partitions never overlap, even if the configured size has changed. Creating one waits for
no reader or writer: it is created as a standalone table and then attached.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date

import psycopg2
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import IntegrityError
from psycopg2 import errorcodes

from fanout.models import Horizon

# PostgreSQL prints a partition's bounds as FROM ('a') TO ('b').
BOUNDS = """
    SELECT relname,
           (regexp_match(bound, $$FROM \\('(\\d+)'\\)$$))[1]::bigint,
           (regexp_match(bound, $$TO \\('(\\d+)'\\)$$))[1]::bigint
    FROM (
        SELECT relname, pg_get_expr(child.relpartbound, child.oid) AS bound
        FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = %s::regclass
    ) AS partition
    ORDER BY 2
"""


def bounds(table: str) -> list[tuple[int, int]]:
    """The (first post id, first post id after it) of each partition of `table`, ascending."""
    return [(first, end) for _, first, end in named_bounds(table)]


def named_bounds(table: str) -> list[tuple[str, int, int]]:
    """The (name, first post id, first post id after it) of each partition, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(BOUNDS, [table])
        return [(name, first, end) for name, first, end in cursor]


def horizon(table: str) -> int:
    """The first post id whose rows the table keeps; posts below it have expired."""
    kept = Horizon.objects.filter(table_name=table).values_list("post_id", flat=True)
    return kept.first() or 0


def ensure(table: str, post_ids: Iterable[int]) -> None:
    """Create the missing partitions for the given posts, but not for expired posts, whose
    partitions were dropped."""
    oldest = horizon(table)
    with making(table):
        existing = bounds(table)
        for post_id in sorted(pk for pk in set(post_ids) if pk >= oldest):
            if not any(first <= post_id < end for first, end in existing):
                first, end = _range_for(post_id, existing)
                create(table, f"{table}_p{first}", first, end)
                existing = bounds(table)


def ensure_ahead(table: str, newest: int, count: int) -> None:
    """Create the partition of post `newest` and the `count` partitions after it, if they are
    missing. If that post has expired, start at the horizon instead."""
    post_id = max(newest, horizon(table))
    for _ in range(count + 1):
        ensure(table, [post_id])
        post_id = next(end for first, end in bounds(table) if first <= post_id < end)


def is_missing(error: IntegrityError) -> bool:
    """Whether an INSERT failed because its row has no partition: PostgreSQL reports that as a check
    violation without a constraint's name."""
    cause = error.__cause__
    return (
        isinstance(cause, psycopg2.Error)
        and cause.pgcode == errorcodes.CHECK_VIOLATION
        and cause.diag.constraint_name is None
    )


def _range_for(post_id: int, existing: list[tuple[int, int]]) -> tuple[int, int]:
    """The range of the configured size around `post_id`, cut where existing partitions of another
    size overlap it."""
    size = settings.PARTITION_POSTS
    first = post_id // size * size
    end = first + size
    first = max([first, *(e for _, e in existing if e <= post_id)])
    end = min([end, *(f for f, _ in existing if f > post_id)])
    return first, end


@contextmanager
def making(table: str) -> Iterator[None]:
    """A transaction in which no other process creates partitions of the table. Processes that
    waited for it then find the new partitions."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"partition {table}"])
        yield


def create(table: str, name: str, first: int | date, end: int | date) -> None:
    """Create the partition `name` for values from `first` (inclusive) to `end` (exclusive)."""
    with connection.cursor() as cursor:
        # Create it as a standalone table and attach it, which waits for no reader or writer.
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        cursor.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
            [first, end],
        )
