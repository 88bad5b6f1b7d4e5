"""How many follow a user, and how many the user follows.

Guarantee: they equal the follows there are of people whose accounts are not shut, and reading them
costs the same for everybody. Triggers keep them (see the migration 0012_activity).
"""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

# By the primary key: at most eight rows.
READ = """
    SELECT coalesce(sum(followers), 0)::bigint, coalesce(sum(following), 0)::bigint
    FROM social_followcount WHERE user_id = %s
"""
# Of several users; most of them have one row or two.
FOLLOWERS = """
    SELECT user_id, sum(followers)::bigint FROM social_followcount
    WHERE user_id = ANY(%s) GROUP BY user_id
"""


class FollowCounts(NamedTuple):
    followers: int
    following: int


def read(user_id: int) -> FollowCounts:
    with connection.cursor() as cursor:
        cursor.execute(READ, [user_id])
        return FollowCounts(*cursor.fetchone())


def followers(user_ids: Collection[int]) -> dict[int, int]:
    """How many follow each of the users."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWERS, [list(user_ids)])
        return dict.fromkeys(user_ids, 0) | dict(cursor.fetchall())
