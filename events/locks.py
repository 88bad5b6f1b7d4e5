"""Advisory locks: the database releases them when the connection of their holder ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from events.direct import session


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Try to take the lock `name` for the block; yield False if another process has it.

    Two beats may start the same periodic task twice: the second one then skips its work.
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
