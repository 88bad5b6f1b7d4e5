"""The accounts of canaries: posts of theirs show that the house works, and are nobody's business.

Guarantee: no user finds, reads or follows them, and analytics does not count them.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from social import relations
from social.models import CANARY_PREFIX, User


def accounts() -> QuerySet[User]:
    """By the index on usernames that begin with something."""
    return User.objects.filter(username__startswith=CANARY_PREFIX)


@transaction.atomic
def ensure(*, now: datetime) -> tuple[User, User]:
    """The author and the follower, made where they are missing; nobody can log in as them."""
    author, follower = (
        User.objects.get_or_create(username=f"{CANARY_PREFIX}{role}", defaults={"password": "!"})[0]
        for role in ("author", "follower")
    )
    relations.follow(follower, author, now=now)
    return author, follower
