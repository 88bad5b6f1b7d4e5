"""Search for people by the beginning of their usernames.

Guarantee: nobody finds an account that they may not see (accounts.visible_to). A page costs the
same for every prefix, however many accounts there are.
"""

from django.db.models import QuerySet
from django.db.models.functions import Collate

from social import accounts, names
from social.models import User

# Sorts after every character that a name may contain.
LAST = "\U0010ffff"


def by_prefix(prefix: str, *, viewer: User, after: str | None = None) -> QuerySet[User]:
    """The people whose names begin with `prefix`, in any case, in the order of their keys; `after`
    is the key of the last person on the page before. Uses the index social_user_by_key."""
    begin = names.key(prefix)
    people = accounts.visible_to(viewer).annotate(place=Collate("name_key", "C"))
    people = people.filter(place__gte=begin, place__lt=begin + LAST)
    if after is not None:
        people = people.filter(place__gt=after)
    return people.order_by("place")
