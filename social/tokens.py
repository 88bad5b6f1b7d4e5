"""API tokens that nobody can use any more: without a user's help their rows would stay for ever."""

from datetime import datetime

from social.models import Token

BATCH = 5_000


def prune(*, now: datetime) -> int:
    """Delete those that have expired, in small batches; returns how many."""
    total = 0
    while True:
        batch = list(Token.objects.filter(expiry__lt=now).values_list("pk", flat=True)[:BATCH])
        total += Token.objects.filter(pk__in=batch).delete()[0]
        if len(batch) < BATCH:
            return total
