"""A summary of each partitioned table, from PostgreSQL's catalogue and never from its rows."""

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from analytics import days
from operations import partitioned

# Rows and pages are those that the last ANALYZE or VACUUM counted.
TABLES = """
    SELECT parent.relname, count(child.oid),
           coalesce(sum(greatest(child.reltuples, 0)), 0)::bigint,
           coalesce(sum(child.relpages), 0)::bigint * current_setting('block_size')::bigint
    FROM pg_partitioned_table JOIN pg_class parent ON parent.oid = partrelid
    LEFT JOIN pg_inherits ON inhparent = parent.oid
    LEFT JOIN pg_class child ON child.oid = inhrelid AND child.relkind = 'r'
    WHERE parent.relkind = 'p' GROUP BY 1 ORDER BY 1
"""


class Table(NamedTuple):
    """`rows` and `bytes` (without indexes) are estimates; rows stay for `kept`."""

    name: str
    partitions: int
    rows: int
    bytes: int
    kept: timedelta | None


def tables() -> list[Table]:
    kept = {one.table: one.keep for one in partitioned.tables()}
    kept[days.TABLE] = settings.ANALYTICS_KEEP_RECORDS
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [
            Table(name, count, rows, size, kept.get(name)) for name, count, rows, size in cursor
        ]
