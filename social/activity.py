"""Follow counts after an account was closed or suspended, or reactivated.

Guarantee: an account that is not active is not counted among anybody's followers or follows. A
trigger (migration 0012_activity) corrects the counts in the transaction that changes `is_active`,
for the account's follows and its first 5,000 followers; this module corrects the other followers'.
"""

from django.db import connection

from events.turns import each_in_turn
from social.models import ActivityChange

# Followers per transaction, which then takes some tens of milliseconds.
BATCH = 5_000
MARK = "SELECT social_mark_follows(%s, %s)"


def settle(*, batch: int = BATCH) -> None:
    """Correct the counts of the remaining followers of every account whose `is_active` changed."""

    def recount(user_id: int) -> None:
        while not _mark(user_id, batch):
            pass

    changed = ActivityChange.objects.values_list("user_id", flat=True)
    each_in_turn(list(changed), recount, what="correcting the counts of an account's followers")


def _mark(user_id: int, batch: int) -> bool:
    """Process the next `batch` followers of the user; returns True once all are done."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, [user_id, batch])
        return bool(cursor.fetchone()[0])
