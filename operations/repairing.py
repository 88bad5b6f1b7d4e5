"""Repairing one post's fan-out: what is missing of it is found in the ledgers and enqueued."""

import notifications.models
import notifications.tasks
import timelines.models
import timelines.tasks
from social import ledger, partitions
from social.models import Post

# Each app's rows: below their horizon nothing is written any more, and the ledger is forgotten.
ROWS = {timelines: timelines.models.TimelineEntry, notifications: notifications.models.Notification}


class NoSuchPostError(LookupError):
    """There is no such post, or it is deleted."""


def repair(post_id: int) -> dict[str, int]:
    """How many slices were missing and are enqueued, by app; harmless when none is. Raises
    NoSuchPostError, and an error that passes where the broker is away."""
    if not Post.objects.filter(pk=post_id, deleted_at=None).exists():
        raise NoSuchPostError(f"There is no post {post_id}, or it is deleted.")
    found = {}
    for app, rows in ROWS.items():
        expired = post_id < partitions.horizon(rows._meta.db_table)
        slices = [] if expired else ledger.holes(app.models.SliceRecord, [post_id])[post_id]
        app.tasks.enqueue_slices(slices)
        found[app.__name__] = len(slices)
    return found
