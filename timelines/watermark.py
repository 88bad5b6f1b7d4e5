"""The watermark: up to which post id every timeline is complete.

Guarantee: once it has passed a post, all rows of the post are visible, and no post with a lower id
can still appear: ids are handed out in order, but transactions commit in any.
"""

import time

from django.db import connection

from social import ledger
from social.models import Post
from timelines.models import SliceRecord, Watermark

BATCH = 500
# How often, and with which pause in seconds, to look whether posts are still being committed.
LOOKS, PAUSE = 20, 0.05

# Whoever inserts into social_post holds this lock from before its id is drawn until it is visible.
POSTING = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'social_post'::regclass
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
"""


def raise_() -> int:
    """Raise the watermark as far as it may go; returns where it then is."""
    mark = Watermark.objects.first() or Watermark(pk=1, post_id=0)
    newest = Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    # 1. Ids up to the newest one are handed out. Those whose transactions go on are waited for.
    if newest > mark.post_id and _all_committed():
        # 2. Now all that there will ever be up to it can be seen; which are complete?
        mark.post_id = _complete(mark.post_id, newest)
        mark.save()
    return mark.post_id


def _all_committed() -> bool:
    """Whether all that were posting when this was called have ended before long."""
    waiting = _posting()
    for _ in range(LOOKS):
        if not waiting:
            break
        time.sleep(PAUSE)
        waiting &= _posting()
    return not waiting


def _posting() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(POSTING)
        return {row[0] for row in cursor}


def _complete(after: int, newest: int) -> int:
    """The last id up to which no live post lacks a slice."""
    while True:
        posts = Post.objects.filter(pk__gt=after, pk__lte=newest).order_by("pk")[:BATCH]
        states = list(posts.values_list("pk", "deleted_at"))
        missing = ledger.holes(SliceRecord, [pk for pk, deleted in states if not deleted])
        for pk, _ in states:
            if missing.get(pk):
                return pk - 1
        if len(states) < BATCH:
            return newest
        after = states[-1][0]
