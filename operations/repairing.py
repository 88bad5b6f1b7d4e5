"""Repairing the fan-out of one post, whose gaps the ledgers show, or the timeline of one user."""

import notifications.models
import notifications.tasks
import timelines.models
import timelines.tasks
from fanout import ledger, partitions
from social.models import Post, User

# Each app's rows: below their horizon nothing is written any more, and the ledger is forgotten.
ROWS = {timelines: timelines.models.TimelineEntry, notifications: notifications.models.Notification}


class NoSuchPostError(LookupError):
    """There is no such post, or it is deleted."""


def repair(post_id: int) -> dict[str, int]:
    """Enqueue the missing slices of a post; return their number by app. Harmless if none is
    missing. Raises NoSuchPostError, and a passing error if the broker is down."""
    if not Post.objects.filter(pk=post_id, deleted_at=None).exists():
        raise NoSuchPostError(f"There is no post {post_id}, or it is deleted.")
    found = {}
    for app, rows in ROWS.items():
        expired = post_id < partitions.horizon(rows._meta.db_table)
        slices = [] if expired else ledger.holes(app.models.SliceRecord, [post_id])[post_id]
        app.tasks.enqueue_slices(slices)
        found[app.__name__] = len(slices)
    return found


class NoSuchUserError(LookupError):
    """There is no such user, or the account is closed."""


def rebuild(user_id: int) -> str:
    """Enqueue a task that fills in what is missing in a user's timeline. Harmless if nothing is
    missing. Returns a message for the operator. Raises NoSuchUserError."""
    if not User.objects.filter(pk=user_id, is_active=True).exists():
        raise NoSuchUserError(f"There is no user {user_id}, or the account is closed.")
    timelines.tasks.rebuild_timeline.enqueue(owner_id=user_id)
    return f"The timeline of user {user_id} is being filled in."
