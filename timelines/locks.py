"""Advisory locks per author. They order the writes into timelines and the removals from them.

Guarantee: a holder of an author's exclusive lock sees all rows that earlier writers of the author's
posts have written, and later writers see the change (an unfollow, a deletion) that led to the
removal. Rows that were removed are therefore never written again.
"""

from collections.abc import Iterable

from django.db import connection

# Take locks in ascending order, so that no two transactions deadlock. This is a separate statement,
# so that the next statement takes its snapshot while the locks are held.
TAKE = """
    SELECT pg_advisory_xact_lock{how}(hashtextextended('timelines of ' || author, 0))
    FROM unnest(%s::bigint[]) AS author
"""


def share(authors: Iterable[int]) -> None:
    """Take the authors' locks in shared mode, until the transaction ends."""
    _take("_shared", authors)


def take(authors: Iterable[int]) -> None:
    """Take the authors' locks exclusively, until the transaction ends."""
    _take("", authors)


def _take(how: str, authors: Iterable[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE.format(how=how), [sorted(set(authors))])
