"""Who does not see whom: a block hides two people from each other, whichever of them made it."""

from django.db.models import Exists, OuterRef, Q

from social.models import Block, User


def unblocked(viewer: User, person: str) -> Q:
    """Filter for rows whose `person`, a lookup of a user, neither blocks the viewer nor is blocked
    by them. Uses the primary key and social_block_reverse."""
    other = OuterRef(person)
    by_them = Block.objects.filter(blocker=other, blocked=viewer)
    by_viewer = Block.objects.filter(blocker=viewer, blocked=other)
    return ~Exists(by_them) & ~Exists(by_viewer)
