"""The watermark: the post id up to which every timeline is complete.

Guarantee: once the watermark has passed a post, either all rows of the post are visible, or it is
one of the few stragglers, which readers check for separately. No post with a lower id can appear
any more. (Ids are assigned in order, but transactions commit in any order.)
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from fanout import ledger, partitions
from social import posting
from social.models import Post
from timelines.models import SliceRecord, TimelineEntry, Watermark

BATCH = 500
# The watermark passes at most this many posts that are late, for example because their event is a
# dead letter: they must not hold up all readers until an operator acts. In a backlog there are
# more, and the watermark waits. Each straggler costs every page a lookup.
STRAGGLERS = 20
# Poll for open transactions this often, for 4 of the 5 seconds until the next run: on a busy
# machine a request takes seconds.
POLLS, POLL_SECONDS = 80, 0.05


def raise_(*, now: datetime, most: int = STRAGGLERS) -> Watermark:
    """Raise the watermark as far as possible with at most `most` stragglers; returns it."""
    mark = Watermark.objects.first() or Watermark(pk=1, post_id=0)
    newest = Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    # 1. All ids up to `newest` are assigned. Wait for the transactions that are still open.
    if (newest > mark.post_id or mark.stragglers) and _all_committed():
        # 2. Now all posts up to `newest` are visible. Find out which of them are complete.
        _raise(mark, newest, now, most)
        mark.save()
    return mark


def _all_committed() -> bool:
    """Wait for the transactions that insert posts now; returns False if one does not end in
    time."""
    waiting = _posting()
    for _ in range(POLLS):
        if not waiting:
            break
        time.sleep(POLL_SECONDS)
        waiting &= _posting()
    return not waiting


def _posting() -> set[str]:
    return {each.transaction for each in posting.transactions()}


def _raise(mark: Watermark, newest: int, now: datetime, most: int) -> None:
    """Move the mark to the last id up to which no live post lacks a slice, except stragglers."""
    # Expired posts are read from their authors, so missing rows of theirs do not matter.
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


def _lacking(
    posts: Iterable[tuple[int, datetime, datetime | None]],
) -> Iterator[tuple[int, datetime]]:
    """(id, created at) of the posts that lack a slice and are not deleted. `posts` are tuples (id,
    created at, deleted at)."""
    live = {pk: created_at for pk, created_at, deleted_at in posts if deleted_at is None}
    missing = ledger.holes(SliceRecord, live)
    return ((pk, created_at) for pk, created_at in live.items() if missing[pk])
