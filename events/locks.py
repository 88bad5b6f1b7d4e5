"""Locks that the database holds for a process, and drops with its connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from events.direct import session


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Try to take the lock `name` for the block; False where another process has it.

    Two beats may start a periodic task twice: the second one then has nothing to do.
    """
    key = "hashtextextended(%s, 0)"
    with session() as holder:
        with holder.cursor() as cursor:
            cursor.execute(f"SELECT pg_try_advisory_lock({key})", [name])
            taken = cursor.fetchone()[0]
        try:
            yield taken
        finally:
            if taken:
                with holder.cursor() as cursor:
                    cursor.execute(f"SELECT pg_advisory_unlock({key})", [name])
