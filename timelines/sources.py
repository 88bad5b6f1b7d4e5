"""The authors whose posts an owner sees: those whom the owner follows now and has not muted, each
from the follow's `shown_from` on.

Guarantee: reading from rows and reading from the authors' posts both filter by this alone, so that
they show the same posts. The data is keyed by the owner, as the rows are, because both will one day
live on the same server.
"""

from collections.abc import Collection
from typing import Any

from django.db import connection

# Uses the primary keys of both tables. Reads all of the owner's mutes, because planning a join with
# the follows would take longer.
SOURCES = """
    SELECT followee_id, shown_from FROM social_follow
    WHERE follower_id = %s
          AND followee_id NOT IN (SELECT muted_id FROM social_mute WHERE muter_id = %s)
"""
AMONG = f"{SOURCES} AND followee_id = ANY(%s)"


def everyone(owner: int) -> dict[int, int]:
    """All authors whose posts the owner sees, each with the id of the first post that is shown."""
    return _select(SOURCES, [owner, owner])


def among(owner: int, authors: Collection[int]) -> dict[int, int]:
    """The same, but only for the given authors."""
    return _select(AMONG, [owner, owner, list(authors)])


def _select(sql: str, parameters: list[Any]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return dict(cursor.fetchall())
