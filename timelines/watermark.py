"""The watermark: up to which post id every timeline is complete.

Guarantee: once it has passed a post, all rows of the post are visible or the post is one of the few
stragglers, which readers look for by themselves; and no post with a lower id can still appear: ids
are handed out in order, but transactions commit in any.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from fanout import ledger, partitions
from social import posting
from social.models import Post
from timelines.models import SliceRecord, TimelineEntry, Watermark

BATCH = 500
# A post that is late, whose event is a dead letter for example, must not hold up all readers until
# somebody heals it; a backlog must. Each straggler costs each page a look.
STRAGGLERS = 20
# How often, and with which pause in seconds, to look whether posts are still being committed: for
# four of the five seconds until the next run, since on a busy machine a request takes seconds.
LOOKS, PAUSE = 80, 0.05


def raise_(*, now: datetime, most: int = STRAGGLERS) -> Watermark:
    """Raise the watermark as far as it may go with so many stragglers at most; returns it as it
    then is."""
    mark = Watermark.objects.first() or Watermark(pk=1, post_id=0)
    newest = Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    # 1. Ids up to the newest one are handed out. Those whose transactions go on are waited for.
    if (newest > mark.post_id or mark.stragglers) and _all_committed():
        # 2. Now all that there will ever be up to it can be seen; which are complete?
        _raise(mark, newest, now, most)
        mark.save()
    return mark


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
    return {each.transaction for each in posting.transactions()}


def _raise(mark: Watermark, newest: int, now: datetime, most: int) -> None:
    """To the last id up to which no live post lacks a slice, save the stragglers."""
    # What has expired is read from the authors' posts, whatever was written of it.
    horizon = partitions.horizon(TimelineEntry._meta.db_table)
    mark.post_id = max(mark.post_id, horizon - 1)
    posts = Post.objects.order_by("pk").values_list("pk", "created_at", "deleted_at")
    kept = posts.filter(pk__in=mark.stragglers, pk__gte=horizon)
    mark.stragglers = [pk for pk, _ in _lacking(kept)]
    while True:
        batch = list(posts.filter(pk__gt=mark.post_id, pk__lte=newest)[:BATCH])
        for pk, created_at in _lacking(batch):
            if created_at >= now - ledger.LATE or len(mark.stragglers) >= most:
                mark.post_id = pk - 1
                return
            mark.stragglers.append(pk)
        if len(batch) < BATCH:
            mark.post_id = newest
            return
        mark.post_id = batch[-1][0]


def _lacking(posts: Iterable[tuple]) -> Iterator[tuple[int, datetime]]:
    """Of (id, posted at, deleted at) each: id and time of what lacks a slice and is not deleted."""
    live = {pk: created_at for pk, created_at, deleted_at in posts if deleted_at is None}
    missing = ledger.holes(SliceRecord, live)
    return ((pk, created_at) for pk, created_at in live.items() if missing[pk])
