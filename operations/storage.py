"""Partitioned tables in a line each: from PostgreSQL's catalogue, never from the tables."""

from typing import NamedTuple

from django.db import connection

# Rows and pages as the last ANALYZE or VACUUM counted them.
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
    """`rows` and `bytes` (without indexes) are estimates."""

    name: str
    partitions: int
    rows: int
    bytes: int


def tables() -> list[Table]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [Table(*row) for row in cursor]
