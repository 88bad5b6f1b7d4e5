"""Accounts that are shut, by closing or suspending them, or opened again.

Guarantee: those who are not active are counted among nobody's followers and follows. A trigger sees
to it (migration 0012_activity) in the transaction that changes `is_active`, save for the followers
beyond its first 5,000, who are done here.
"""

from django.db import connection

from events.turns import each_in_turn
from social.models import ActivityChange

# Followers a transaction: some tens of milliseconds.
BATCH = 5_000
MARK = "SELECT social_mark_follows(%s, %s)"


def settle(*, batch: int = BATCH) -> None:
    """Count anew for the followers of whoever was shut or opened, as far as that is to be done."""

    def count_anew(user_id: int) -> None:
        while not _mark(user_id, batch):
            pass

    changed = ActivityChange.objects.values_list("user_id", flat=True)
    each_in_turn(list(changed), count_anew, what="counting the followers of a shut account anew")


def _mark(user_id: int, batch: int) -> bool:
    """Whether all of the user's followers are done."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, [user_id, batch])
        return cursor.fetchone()[0]
