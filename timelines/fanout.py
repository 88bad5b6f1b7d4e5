"""Writing slices of a fan-out by INSERT ... SELECT; follower ids never leave PostgreSQL.

Guarantee: a slice is written once, in one transaction with its ledger row and its
`timeline.delivered` event; written again it does nothing. Of slices that overlap, in whatever
order they come, each follower counts once. A deleted post is written to nobody, nor is one that has
expired.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from django.db import IntegrityError, connection, transaction

from events import metrics, outbox
from events.failpoints import failpoint
from fanout import ledger, partitions
from fanout.slices import Slice
from timelines import locks
from timelines.event_types import DeliveredSlice, TimelineDelivered
from timelines.metrics import ROWS, SLICE_SECONDS
from timelines.models import SliceRecord, TimelineEntry

log = structlog.get_logger(__name__)

# Posts are read by key and apart from the write: they will live on another server.
POSTS = """
    SELECT id, author_id, created_at FROM social_post WHERE id = ANY(%s) AND deleted_at IS NULL
"""
# Timeline rows in the order of their key, which keeps the index pages that they touch few.
# Followers, and which of them are dormant, come from social_follow_fanout alone: to look up the
# dormant in a table of their own costs more than it saves (see dormancy.py). Mutes are the reader's
# affair: ending one hides nothing.
# What overlaps a slice that is done is left out: see _write(). A slice that another worker is
# writing at this moment makes the ledger's key fail: see write().
WRITE = """
    WITH slice AS MATERIALIZED (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
             AS planned (post_id, author_id, after, up_to)
        WHERE NOT EXISTS (
            SELECT FROM timelines_slicerecord done
            WHERE done.post_id = planned.post_id
                  AND done.after < planned.up_to AND done.up_to > planned.after
        )
    ), audience AS MATERIALIZED (
        SELECT follow.follower_id, slice.post_id, slice.after
        FROM slice JOIN social_follow follow ON follow.followee_id = slice.author_id
             AND follow.follower_id > slice.after AND follow.follower_id <= slice.up_to
             AND NOT follow.dormant
    ), written AS (
        INSERT INTO timelines_timelineentry (owner_id, post_id)
        SELECT follower_id, post_id FROM audience ORDER BY follower_id, post_id
        {on_conflict}
    )
    INSERT INTO timelines_slicerecord (post_id, after, up_to, rows, written_at)
    SELECT post_id, after, up_to, coalesce(reached.rows, 0), %s
    FROM slice LEFT JOIN (
        SELECT post_id, after, count(*) AS rows FROM audience GROUP BY post_id, after
    ) AS reached USING (post_id, after)
    RETURNING post_id, rows
"""
# A row is there already only where a back-fill or an overlapping slice came first. To ask for that
# at each row costs a third of the whole statement, so that the first try does not ask.
FIRST_TRY = WRITE.format(on_conflict="")
NEXT_TRY = WRITE.format(on_conflict="ON CONFLICT DO NOTHING")

in_slice = failpoint("timelines.in_slice")

# Once for rows that are there already, once for a missing partition, and once more for each worker
# that may hold one of the slices.
TRIES = 5


class OverlapError(IntegrityError):
    """Of some slices a part is done: they need another try, which has the lock alone."""


def write(slices: Sequence[Slice], *, now: datetime) -> int:
    """Write the slices that are not written yet; returns how many followers are in those."""
    table = TimelineEntry._meta.db_table
    tries = 0
    while True:
        try:
            return _write(slices, now, again=tries > 0)
        except IntegrityError as error:
            tries += 1
            if tries == TRIES:
                raise
            # What has expired may have lost its ledger while its rows are still there.
            slices = _kept(table, slices)
            if partitions.is_missing(error):
                partitions.ensure(table, {piece.post_id for piece in slices})


def _kept(table: str, slices: Sequence[Slice]) -> list[Slice]:
    horizon = partitions.horizon(table)
    kept = [piece for piece in slices if piece.post_id >= horizon]
    if len(kept) < len(slices):
        count = len(slices) - len(kept)
        log.info("slices of expired posts are left out", count=count)
        metrics.SKIPPED.labels("expired slice").inc(count)
    return kept


@transaction.atomic
def _write(slices: Sequence[Slice], now: datetime, *, again: bool) -> int:
    # The locks come first: a deletion or an unfollow that is worked off from now on waits for these
    # rows. A first try shares them with other slices, and fails at the rows of one that overlaps.
    # A later one has them alone, so that the ledger tells all that others have written.
    wanted = list({piece.post_id for piece in slices})
    lock = locks.take if again else locks.share
    lock(author for author, _ in _live(wanted).values())
    posts = _live(wanted)
    live = [piece for piece in sorted(slices) if piece.post_id in posts]
    if len(live) < len(slices):
        count = len(slices) - len(live)
        log.info("slices of deleted posts skipped", count=count)
        metrics.SKIPPED.labels("timeline slice").inc(count)
    if again:
        live = ledger.uncovered(SliceRecord, live)
    statement = NEXT_TRY if again else FIRST_TRY
    written = _insert(statement, live, posts, now)
    if len(written) < len(live) and (rest := ledger.uncovered(SliceRecord, live)):
        # They overlap what is done. To write the rest of them now would be out of the followers'
        # order: two tasks that share the lock could wait for each other.
        if not again:
            raise OverlapError
        written += _insert(statement, rest, posts, now)
    in_slice()
    if written:
        delivered = [
            DeliveredSlice(post, posts[post][0], rows, posts[post][1]) for post, rows in written
        ]
        outbox.record("timeline.delivered", TimelineDelivered(delivered), now=now)
    for post, rows in written:
        ROWS.inc(rows)
        SLICE_SECONDS.observe(max((now - posts[post][1]).total_seconds(), 0.0))
    return sum(rows for _, rows in written)


def _insert(
    statement: str, slices: Sequence[Slice], posts: Mapping[int, tuple], now: datetime
) -> list[tuple[int, int]]:
    """The post of each slice that was written, and how many rows it has."""
    if not slices:
        return []
    columns = [
        (piece.post_id, posts[piece.post_id][0], piece.after, piece.up_to) for piece in slices
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*map(list, zip(*columns, strict=True)), now])
        return cursor.fetchall()


def _live(post_ids: list[int]) -> dict[int, tuple[int, datetime]]:
    """The author and the time of each of the posts that is not deleted."""
    with connection.cursor() as cursor:
        cursor.execute(POSTS, [post_ids])
        return {post_id: (author, created_at) for post_id, author, created_at in cursor}
