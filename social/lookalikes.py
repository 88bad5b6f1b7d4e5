"""Usernames that look like another account's name.

Guarantee: when two names of different scripts look alike, the second one is refused, even if both
are requested at the same moment. Names from before this rule stay.
"""

from django.core.exceptions import ValidationError
from django.db import connection

from social import names

MIXED = "Give a name in one script."
TAKEN = "This name looks like another one that is taken."

# Until the transaction ends, nobody else can take a name with this skeleton.
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
    """The name mixes scripts, or looks like another account's name in another script."""

    def __init__(self, message: str):
        super().__init__({"username": [message]}, code="lookalike")


def check(name: str, user_id: int | None) -> None:
    """Raise NameRefusedError if the name may not be used by the account `user_id` (None: a new
    one)."""
    if not names.is_of_one_script(name):
        raise NameRefusedError(MIXED)
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, [names.skeletons(name), names.script(name), user_id])
        if cursor.fetchone()[0]:
            raise NameRefusedError(TAKEN)


def claim(name: str, user_id: int) -> None:
    """Replace the skeletons of the account's old name by those of its new one. Needs a transaction.

    Raises NameRefusedError.
    """
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [user_id])
        if ":" in name:
            return  # Our own name (canary or closed account): nobody can register a colon.
        skeletons = names.skeletons(name)
        for skeleton in skeletons:
            cursor.execute(LOCK, [skeleton])
        check(name, user_id)
        cursor.execute(KEEP, [user_id, skeletons, names.script(name)])
