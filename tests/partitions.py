"""Partitions, which outlive the test that has made them."""

from django.db import connection


def drop_all_partitions() -> None:
    """Until the test's transaction is rolled back; other tests have made some."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " JOIN pg_partitioned_table ON partrelid = inhparent"
            " JOIN pg_class ON pg_class.oid = inhrelid AND relkind = 'r'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {name}")
