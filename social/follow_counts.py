"""How many follow a user, and how many the user follows.

Guarantee: they equal the follows there are, and reading them costs the same for everybody. Triggers
keep them (see the migration 0002_follow_counts).
"""

from typing import NamedTuple

from django.db import connection

# By the primary key: at most eight rows.
READ = """
    SELECT coalesce(sum(followers), 0)::bigint, coalesce(sum(following), 0)::bigint
    FROM social_followcount WHERE user_id = %s
"""


class FollowCounts(NamedTuple):
    followers: int
    following: int


def read(user_id: int) -> FollowCounts:
    with connection.cursor() as cursor:
        cursor.execute(READ, [user_id])
        return FollowCounts(*cursor.fetchone())
