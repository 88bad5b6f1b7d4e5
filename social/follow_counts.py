"""The numbers of a user's followers and follows.

Guarantee: they equal the numbers of follows whose other side is an active account, and reading them
costs the same for every user. Triggers maintain them (see the migration 0012_activity).
"""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

# Uses the primary key; reads at most eight rows.
READ = """
    SELECT coalesce(sum(followers), 0)::bigint, coalesce(sum(following), 0)::bigint
    FROM social_followcount WHERE user_id = %s
"""
# For several users. Uses the primary key; most users have one row or two.
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
    """The number of followers per user id; 0 for a user without any."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWERS, [list(user_ids)])
        return dict.fromkeys(user_ids, 0) | dict(cursor.fetchall())
