"""Names that would be taken for somebody else's.

Guarantee: of two names that look alike and are of different scripts, the second is refused, also
when both are asked for at the same moment. What was there before stays.
"""

from django.core.exceptions import ValidationError
from django.db import connection

from social import names

MIXED = "Give a name in one script."
TAKEN = "This name looks like another one that is taken."

# Until the transaction ends, nobody else takes a name that looks like it.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('name ' || %s, 0))"
# Uses the index social_lookalike_by_skeleton.
OTHERS = """
    SELECT EXISTS (
        SELECT FROM social_lookalike
        WHERE skeleton = ANY(%s) AND script <> %s AND user_id IS DISTINCT FROM %s
    )
"""
FORGET = "DELETE FROM social_lookalike WHERE user_id = %s"
KEEP = """
    INSERT INTO social_lookalike (user_id, skeleton, script) SELECT %s, unnest(%s::text[]), %s
"""


class NameRefusedError(ValidationError):
    """The name is of several scripts, or looks like one of another script."""

    def __init__(self, message: str):
        super().__init__({"username": [message]}, code="lookalike")


def check(name: str, user_id: int | None) -> None:
    """Raises NameRefusedError."""
    if not names.is_of_one_script(name):
        raise NameRefusedError(MIXED)
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, [names.skeletons(name), names.script(name), user_id])
        if cursor.fetchone()[0]:
            raise NameRefusedError(TAKEN)


def claim(name: str, user_id: int) -> None:
    """Note the looks of an account's new name in place of its old one, inside a transaction.
    Raises NameRefusedError."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [user_id])
        if ":" in name:
            return  # Of ours: nobody can register it.
        skeletons = names.skeletons(name)
        for skeleton in skeletons:
            cursor.execute(LOCK, [skeleton])
        check(name, user_id)
        cursor.execute(KEEP, [user_id, skeletons, names.script(name)])
