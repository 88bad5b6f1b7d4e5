"""A row that PostgreSQL refuses, whoever writes it: a constraint that a test adds to a table."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def refused(table: str, unless: str) -> Iterator[None]:
    """Rows of the table are refused meanwhile unless the condition holds."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({unless}) NOT VALID")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT refused")
