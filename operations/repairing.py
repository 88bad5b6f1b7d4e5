"""Repairing one post's fan-out, whose gaps are found in the ledgers, or one user's timeline."""

from fanout import ledger, partitions
from operations.ledgers import ledgers
from social.models import Post, User
from timelines.tasks import rebuild_timeline


class NoSuchPostError(LookupError):
    """There is no such post, or it is deleted."""


def repair(post_id: int) -> dict[str, int]:
    """How many slices were missing and are enqueued, by subscriber; harmless when none is. Raises
    NoSuchPostError, and an error that passes where the broker is away."""
    if not Post.objects.filter(pk=post_id, deleted_at=None).exists():
        raise NoSuchPostError(f"There is no post {post_id}, or it is deleted.")
    found = {}
    for name, own in ledgers().items():
        # Below the horizon of its rows nothing is written any more, and the ledger is forgotten.
        expired = post_id < partitions.horizon(own.entries._meta.db_table)
        slices = [] if expired else ledger.holes(own.records, [post_id])[post_id]
        own.enqueue(slices)
        found[name] = len(slices)
    return found


class NoSuchUserError(LookupError):
    """There is no such user, or the account is closed."""


def rebuild(user_id: int) -> str:
    """Have what is missing of a user's timeline filled in, which is harmless when nothing is;
    returns what to tell the operator. Raises NoSuchUserError."""
    if not User.objects.filter(pk=user_id, is_active=True).exists():
        raise NoSuchUserError(f"There is no user {user_id}, or the account is closed.")
    rebuild_timeline.enqueue(owner_id=user_id)
    return f"The timeline of user {user_id} is being filled in."
