"""Whose posts an owner sees: those of the people they follow now and have not muted, each from the
post on from which the follow shows them.

Guarantee: what is read from rows and what is read from the authors' posts is sifted by this alone,
so that the two show the same. Keyed by the owner, as the rows are: they will live together.
"""

from collections.abc import Collection

from django.db import connection

# Both by their primary keys. Whom an owner has muted is read whole: planning a join with the
# follows would take longer.
SOURCES = """
    SELECT followee_id, shown_from FROM social_follow
    WHERE follower_id = %s
          AND followee_id NOT IN (SELECT muted_id FROM social_mute WHERE muter_id = %s)
"""
AMONG = f"{SOURCES} AND followee_id = ANY(%s)"


def everyone(owner: int) -> dict[int, int]:
    """Each author that the owner sees, and the first of the author's posts that is shown."""
    return _ask(SOURCES, [owner, owner])


def among(owner: int, authors: Collection[int]) -> dict[int, int]:
    """Those of the authors that the owner sees, likewise."""
    return _ask(AMONG, [owner, owner, list(authors)])


def _ask(sql: str, parameters: list) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return dict(cursor.fetchall())
