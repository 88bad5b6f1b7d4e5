"""Locks by author, which order what is written into timelines after what has changed since.

Guarantee: whoever holds an author's lock alone sees all that earlier writers of the author's posts
wrote, and later writers see what had changed before; so nothing is brought back that was removed.
"""

from collections.abc import Iterable

from django.db import connection

# In ascending order, so that no two transactions wait for each other. A statement of its own: the
# next one's snapshot is then taken with the locks held.
TAKE = """
    SELECT pg_advisory_xact_lock{how}(hashtextextended('timelines of ' || author, 0))
    FROM unnest(%s::bigint[]) AS author
"""


def share(authors: Iterable[int]) -> None:
    """Until the transaction ends, together with other writers."""
    _take("_shared", authors)


def take(authors: Iterable[int]) -> None:
    """Until the transaction ends, alone."""
    _take("", authors)


def _take(how: str, authors: Iterable[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE.format(how=how), [sorted(set(authors))])
