"""Repairs one post's fan-out, whose gaps the ledgers show, or one user's timeline."""

from fanout import ledger, partitions
from operations.ledgers import ledgers
from social.models import Post, User
from timelines.tasks import rebuild_timeline


class NoSuchPostError(LookupError):
    """There is no such post, or it is deleted."""


def repair(post_id: int) -> dict[str, int]:
    """Enqueue the missing slices of a post; return their number by subscriber. Harmless if none is
    missing. Raises NoSuchPostError, and a passing error if the broker is down."""
    if not Post.objects.filter(pk=post_id, deleted_at=None).exists():
        raise NoSuchPostError(f"There is no post {post_id}, or it is deleted.")
    found = {}
    for name, own in ledgers().items():
        # Below the horizon nothing is written any more, and the ledger's rows are deleted.
        expired = post_id < partitions.horizon(own.entries._meta.db_table)
        slices = [] if expired else ledger.holes(own.records, [post_id])[post_id]
        own.enqueue(slices)
        found[name] = len(slices)
    return found


class NoSuchUserError(LookupError):
    """There is no such user, or the account is closed."""


def rebuild(user_id: int) -> str:
    """Enqueue a task that fills in what is missing in a user's timeline. Harmless if nothing is
    missing. Returns a message for the operator. Raises NoSuchUserError."""
    if not User.objects.filter(pk=user_id, is_active=True).exists():
        raise NoSuchUserError(f"There is no user {user_id}, or the account is closed.")
    rebuild_timeline.enqueue(owner_id=user_id)
    return f"The timeline of user {user_id} is being filled in."
