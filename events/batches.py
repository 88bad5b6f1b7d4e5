"""Deleting many rows in batches, so that no lock is held for long."""

from collections.abc import Callable
from itertools import count
from typing import Any

from django.db import connection

# Rows per batch: a batch takes some tens of milliseconds.
BATCH = 5_000


def delete_in_batches(
    delete: Callable[[int], int], *, batch: int = BATCH, batches: int | None = None
) -> int:
    """Call `delete(batch)` until it deletes fewer than `batch` rows, but at most `batches` times.
    `delete` must return the number of rows that it deleted. Returns their sum."""
    total = 0
    for _ in count() if batches is None else range(batches):
        deleted = delete(batch)
        total += deleted
        if deleted < batch:
            break
    return total


def by(sql: str, *values: Any) -> Callable[[int], int]:
    """Return a function for `delete_in_batches` that executes the statement. The statement's last
    parameter is the size of the batch."""

    def delete(batch: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, batch])
            deleted: int = cursor.rowcount
            return deleted

    return delete
