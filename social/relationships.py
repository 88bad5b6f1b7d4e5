"""What other people are to one user: followed, following, muted or blocked.

Guarantee: it costs one statement for many people as for one. It does not reveal who blocks the
user: such a person is nobody to them, like a person who does not exist.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from django.db import connection

# Scalar subqueries: for EXISTS the planner may read all of a user's followers into a hash table.
# Uses primary keys, or the index that holds the two columns in the other order.
READ = """
    SELECT person.id,
           (SELECT true FROM social_follow
            WHERE follower_id = %(user)s AND followee_id = person.id) IS NOT NULL,
           (SELECT true FROM social_follow
            WHERE follower_id = person.id AND followee_id = %(user)s) IS NOT NULL,
           (SELECT true FROM social_mute
            WHERE muter_id = %(user)s AND muted_id = person.id) IS NOT NULL,
           (SELECT true FROM social_block
            WHERE blocker_id = %(user)s AND blocked_id = person.id) IS NOT NULL
    FROM social_user person WHERE person.id = ANY(%(people)s) AND person.is_active
"""


class Relationship(NamedTuple):
    """`notify` is True if the person's posts reach the user as notifications, unless the user's
    other preferences suppress them."""

    following: bool = False
    followed_by: bool = False
    muting: bool = False
    blocking: bool = False
    notify: bool = False


# For a user id and ids of authors, returns those authors about whose posts the user gets no push.
Silencer = Callable[[int, Collection[int]], set[int]]
# Apps above this one add theirs when Django starts.
silencers: list[Silencer] = []


def read(user_id: int, people: Collection[int]) -> dict[int, Relationship]:
    """What each of these people is to the user, by id, in the given order."""
    with connection.cursor() as cursor:
        cursor.execute(READ, {"user": user_id, "people": list(people)})
        found = {pk: Relationship(*columns) for pk, *columns in cursor}
    heard = {pk for pk, relation in found.items() if relation.following and not relation.muting}
    for silenced in silencers if heard else ():
        heard -= silenced(user_id, heard)
    known = {pk: relation._replace(notify=pk in heard) for pk, relation in found.items()}
    return {pk: known.get(pk, Relationship()) for pk in people}
