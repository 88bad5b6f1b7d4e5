"""Write slices of a fan-out by INSERT ... SELECT; follower ids never leave PostgreSQL.

Guarantee: a slice is written once, in one transaction with its ledger row and its
`timeline.delivered` event; writing it again does nothing. If slices overlap, in whatever order they
come, each follower counts once. Deleted and expired posts are not written.
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

# Read posts by key and in a separate statement, because they will live on another server one day.
POSTS = """
    SELECT id, author_id, created_at FROM social_post WHERE id = ANY(%s) AND deleted_at IS NULL
"""
# Insert timeline rows in the order of their key, which touches few index pages.
# The index social_follow_fanout alone gives the followers and says who is dormant: looking that up
# in another table would cost more than it saves (see docs/timelines.md). Readers filter by mutes,
# so that ending a mute shows the posts again.
# Skips planned slices that overlap a written one: see _write(). If another worker is writing the
# same slice now, the ledger's primary key raises an IntegrityError: see write().
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
# A row exists already only if a back-fill or an overlapping slice has written it. Checking for that
# (ON CONFLICT) takes a third of the statement's time, so the first try does not check.
FIRST_TRY = WRITE.format(on_conflict="")
NEXT_TRY = WRITE.format(on_conflict="ON CONFLICT DO NOTHING")

in_slice = failpoint(__name__, "in_slice")

# One retry for rows that exist already, one for a missing partition, and further ones for workers
# that write the same slices at the same time.
TRIES = 5


class OverlapError(IntegrityError):
    """Parts of some slices are written already: retry with the exclusive lock."""


def write(slices: Sequence[Slice], *, now: datetime) -> int:
    """Write the slices that are not written yet; returns the number of followers in them."""
    table = TimelineEntry._meta.db_table
    tries = 0
    while True:
        try:
            return _write(slices, now, again=tries > 0)
        except IntegrityError as error:
            tries += 1
            if tries == TRIES:
                raise
            # The ledger of an expired post may be deleted while its rows still exist.
            slices = _kept(table, slices)
            if partitions.is_missing(error):
                partitions.ensure(table, {slice_.post_id for slice_ in slices})


def _kept(table: str, slices: Sequence[Slice]) -> list[Slice]:
    """The slices of posts that have not expired."""
    horizon = partitions.horizon(table)
    kept = [slice_ for slice_ in slices if slice_.post_id >= horizon]
    if len(kept) < len(slices):
        count = len(slices) - len(kept)
        log.info("slices of expired posts skipped", count=count)
        metrics.SKIPPED.labels("expired slice").inc(count)
    return kept


@transaction.atomic
def _write(slices: Sequence[Slice], now: datetime, *, again: bool) -> int:
    # Lock first: the task of a deletion or an unfollow then waits until these rows are committed.
    # The first try shares the lock with other slices, and fails if a slice that overlaps has
    # written one of its rows. A retry takes the lock exclusively, so that the ledger shows all
    # written slices.
    wanted = list({slice_.post_id for slice_ in slices})
    lock = locks.take if again else locks.share
    lock(author for author, _ in _live(wanted).values())
    posts = _live(wanted)
    live = [slice_ for slice_ in sorted(slices) if slice_.post_id in posts]
    if len(live) < len(slices):
        count = len(slices) - len(live)
        log.info("slices of deleted posts skipped", count=count)
        metrics.SKIPPED.labels("timeline slice").inc(count)
    if again:
        live = ledger.uncovered(SliceRecord, live)
    statement = NEXT_TRY if again else FIRST_TRY
    written = _insert(statement, live, posts, now)
    if len(written) < len(live) and (missing := ledger.uncovered(SliceRecord, live)):
        # These overlap slices that are written. Under the shared lock we must not write the missing
        # parts now: the rows would not be in the order of followers, and two tasks could deadlock.
        if not again:
            raise OverlapError
        written += _insert(statement, missing, posts, now)
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
    statement: str,
    slices: Sequence[Slice],
    posts: Mapping[int, tuple[int, datetime]],
    now: datetime,
) -> list[tuple[int, int]]:
    """Insert the rows of the slices; returns (post id, number of rows) of each written slice."""
    if not slices:
        return []
    columns = [
        (slice_.post_id, posts[slice_.post_id][0], slice_.after, slice_.up_to) for slice_ in slices
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*map(list, zip(*columns, strict=True)), now])
        return [(post_id, rows) for post_id, rows in cursor]


def _live(post_ids: list[int]) -> dict[int, tuple[int, datetime]]:
    """The (author id, creation time) per post id, without deleted posts."""
    with connection.cursor() as cursor:
        cursor.execute(POSTS, [post_ids])
        return {post_id: (author, created_at) for post_id, author, created_at in cursor}
