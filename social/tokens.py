"""Delete expired API tokens, whose rows would otherwise stay for ever.

Guarantee: expired tokens are announced by the signal `tokens_expired` before they are deleted, in
the same transaction. Any other deleted token has been revoked.
"""

from datetime import datetime

from django.db import transaction
from django.dispatch import Signal

from social.models import Token

BATCH = 5_000

# Sent with the `numbers` of expired tokens that are about to be deleted.
tokens_expired = Signal()


def prune(*, now: datetime) -> int:
    """Delete the expired tokens; returns how many. Uses the index social_token_by_expiry."""
    total = 0
    expired = Token.objects.filter(expiry__lt=now).values_list("number", flat=True)
    while numbers := list(expired[:BATCH]):
        with transaction.atomic():
            tokens_expired.send(Token, numbers=numbers)
            total += Token.objects.filter(number__in=numbers).delete()[0]
    return total
