"""Whose posts an owner sees: those of the people they follow now and have not muted, each from the
post on from which the follow shows them.

Guarantee: what is read from rows and what is read from the authors' posts is sifted by this alone,
so that the two show the same. Keyed by the owner, as the rows are: they will live together.
"""

from collections.abc import Collection

from django.db import connection

# Both by their primary keys.
SOURCES = """
    SELECT followee_id, shown_from FROM social_follow follow
    WHERE follower_id = %s {among} AND NOT EXISTS (
        SELECT FROM social_mute mute
        WHERE mute.muter_id = follow.follower_id AND mute.muted_id = follow.followee_id
    )
"""
ALL = SOURCES.format(among="")
AMONG = SOURCES.format(among="AND followee_id = ANY(%s)")


def everyone(owner: int) -> dict[int, int]:
    """Each author that the owner sees, and the first of the author's posts that is shown."""
    return _ask(ALL, [owner])


def among(owner: int, authors: Collection[int]) -> dict[int, int]:
    """Those of the authors that the owner sees, likewise."""
    return _ask(AMONG, [owner, list(authors)])


def _ask(sql: str, parameters: list) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return dict(cursor.fetchall())
