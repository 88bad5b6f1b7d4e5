"""Deleting many rows in batches, so that no lock is held for long."""

from collections.abc import Callable
from itertools import count

from django.db import connection

# A batch of so many rows takes some tens of milliseconds.
BATCH = 5_000


def delete_in_batches(
    delete: Callable[[int], int], *, batch: int = BATCH, batches: int | None = None
) -> int:
    """Call `delete(batch)`, which returns how many rows it deleted, until it finds fewer than that,
    or `batches` times. Returns how many rows were deleted."""
    total = 0
    for number in count(1):
        deleted = delete(batch)
        total += deleted
        if deleted < batch or number == batches:
            return total


def by(sql: str, *values: object) -> Callable[[int], int]:
    """A `delete` that executes the statement; its last parameter is the size of the batch."""

    def delete(batch: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, batch])
            return cursor.rowcount

    return delete
