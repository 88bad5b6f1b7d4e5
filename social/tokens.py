"""API tokens that nobody can use any more: without a user's help their rows would stay for ever.

Guarantee: a token that is deleted was revoked, save those that `tokens_expired` has named before
in the same transaction.
"""

from datetime import datetime

from django.db import transaction
from django.dispatch import Signal

from social.models import Token

BATCH = 5_000

# Sent with the `numbers` of tokens that are about to be deleted because they have expired.
tokens_expired = Signal()


def prune(*, now: datetime) -> int:
    """Delete those that have expired; returns how many. Uses the index social_token_by_expiry."""
    total = 0
    expired = Token.objects.filter(expiry__lt=now).values_list("number", flat=True)
    while numbers := list(expired[:BATCH]):
        with transaction.atomic():
            tokens_expired.send(Token, numbers=numbers)
            total += Token.objects.filter(number__in=numbers).delete()[0]
    return total
