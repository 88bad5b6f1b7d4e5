"""Canary accounts. Their posts test in production that a post reaches a follower's timeline.

Guarantee: no user can find, read or follow them, and analytics does not count them.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from social import relations
from social.models import CANARY_PREFIX, User


def accounts() -> QuerySet[User]:
    """All canary accounts. Uses the pattern index on usernames."""
    return User.objects.filter(username__startswith=CANARY_PREFIX)


@transaction.atomic
def ensure(*, now: datetime) -> tuple[User, User]:
    """Return the canary author and the canary follower; create them if they do not exist. Nobody
    can log in to these accounts."""
    author, follower = (
        User.objects.get_or_create(username=f"{CANARY_PREFIX}{role}", defaults={"password": "!"})[0]
        for role in ("author", "follower")
    )
    relations.follow(follower, author, now=now)
    return author, follower
