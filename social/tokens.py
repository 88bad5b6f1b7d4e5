"""API tokens that nobody can use any more: without a user's help their rows would stay for ever."""

from datetime import datetime

from social import pruning
from social.models import Token


def prune(*, now: datetime) -> int:
    """Delete those that have expired; returns how many."""
    return pruning.prune(Token.objects.filter(expiry__lt=now))
