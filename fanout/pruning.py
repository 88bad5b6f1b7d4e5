"""Delete the ledgers of fan-outs whose rows have expired, in small batches.

Guarantee: no slice seems to be missing because of that. The ledger is read only for posts above the
horizon of its rows, and an unfinished fan-out keeps its slices.
"""

from django.db import models

from events.batches import BATCH, by, delete_in_batches
from fanout import partitions
from fanout.ledger import FanOut, SliceRecord

# A run ends after this number of batches, so that other tasks in its lane get their turn; the next
# run continues.
BATCHES = 100

# Both use the primary key of their table and start at the oldest post.
SLICES = """
    DELETE FROM {records} WHERE (post_id, after) IN (
        SELECT post_id, after FROM {records} AS record
        WHERE post_id < %s AND NOT EXISTS (
            SELECT FROM {fan_outs} AS fan_out
            WHERE fan_out.post_id = record.post_id AND finished_at IS NULL
        )
        ORDER BY post_id, after LIMIT %s
    )
"""
FAN_OUTS = """
    DELETE FROM {fan_outs} WHERE post_id IN (
        SELECT post_id FROM {fan_outs} WHERE post_id < %s AND finished_at IS NOT NULL
        ORDER BY post_id LIMIT %s
    )
"""


def prune(
    fan_outs: type[FanOut],
    records: type[SliceRecord],
    entries: type[models.Model],
    *,
    batch: int = BATCH,
    batches: int = BATCHES,
) -> int:
    """Delete the ledger of posts below the horizon of `entries`; returns the number of rows, at
    most `batches` times `batch` per table."""
    horizon = partitions.horizon(entries._meta.db_table)
    tables = {"fan_outs": fan_outs._meta.db_table, "records": records._meta.db_table}
    return sum(
        delete_in_batches(by(sql.format(**tables), horizon), batch=batch, batches=batches)
        for sql in (SLICES, FAN_OUTS)
    )
