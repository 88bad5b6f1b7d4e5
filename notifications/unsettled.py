"""Pushes that are neither sent nor given up yet: those the promise of "in time" is about.

Guarantee: the same two statements, by the index of due pushes in the partitions of one day's posts.
"""

from typing import NamedTuple

from django.db import connection

# A few devices always fail, their users' fault or not: that share of all pushes makes none late.
SHARE = 0.01
# No more of them are counted: they are many, and that says enough.
SHOWN = 20_000
# Uses social_post_by_time. A push is tried for 24 hours.
OLDEST_POST = """
    SELECT id FROM social_post WHERE created_at <= statement_timestamp() - interval '25 hours'
    ORDER BY created_at DESC LIMIT 1
"""
# Uses notifications_delivery_due, and the ledger's key for what the newest slices settled lately:
# what was sent before an outage says nothing about it.
UNSETTLED = """
    SELECT count(*), coalesce(extract(epoch FROM statement_timestamp() - min(created_at)), 0),
           (SELECT coalesce(sum(rows), 0) FROM (
               SELECT rows, written_at FROM notifications_slicerecord
               ORDER BY post_id DESC, after DESC LIMIT 1000
           ) AS newest WHERE written_at > statement_timestamp() - interval '10 minutes')
    FROM (
        SELECT created_at FROM notifications_delivery
        WHERE due_at IS NOT NULL AND post_id > %s
              AND created_at < statement_timestamp() - make_interval(secs => %s)
        LIMIT %s
    ) AS late
"""


class Unsettled(NamedTuple):
    """`count` pushes that were begun more than their target ago and have not ended, the oldest
    `seconds` ago; `counts` says whether they are so many that pushes are late."""

    count: int
    seconds: float
    counts: bool


def unsettled(target_seconds: float) -> Unsettled:
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_POST)
        row = cursor.fetchone()
        cursor.execute(UNSETTLED, [row[0] if row else 0, target_seconds, SHOWN])
        count, seconds, others = cursor.fetchone()
    return Unsettled(count, float(seconds), count > SHARE * (count + float(others)))
