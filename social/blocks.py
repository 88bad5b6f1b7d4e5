"""The effect of blocks on what people see: a block hides both people from each other."""

from django.db.models import Exists, OuterRef, Q

from social.models import Block, User


def unblocked(viewer: User, person: str) -> Q:
    """Filter for rows whose user neither blocks the viewer nor is blocked by the viewer; `person`
    is the lookup of that user. Uses the primary key and the index social_block_reverse."""
    other = OuterRef(person)
    by_them = Block.objects.filter(blocker=other, blocked=viewer)
    by_viewer = Block.objects.filter(blocker=viewer, blocked=other)
    return ~Exists(by_them) & ~Exists(by_viewer)
