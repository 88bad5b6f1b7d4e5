"""Forgetting the ledgers of fan-outs whose rows have expired, in small batches.

Guarantee: nothing looks lacking for that. What a ledger says is asked only of posts above the
horizon of its rows, and a fan-out that is not finished keeps its slices.
"""

from django.db import models

from events.batches import BATCH, by, delete_in_batches
from fanout import partitions
from fanout.ledger import FanOut, SliceRecord

# A run ends after so many batches, so that other tasks of its lane have their turn; the next run
# goes on.
BATCHES = 100

# Both by their primary keys, from the oldest post on.
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
    """Delete what is below the horizon of the `entries`; returns how many rows that were, at most
    `batches` times `batch` of each table."""
    horizon = partitions.horizon(entries._meta.db_table)
    tables = {"fan_outs": fan_outs._meta.db_table, "records": records._meta.db_table}
    return sum(
        delete_in_batches(by(sql.format(**tables), horizon), batch=batch, batches=batches)
        for sql in (SLICES, FAN_OUTS)
    )
