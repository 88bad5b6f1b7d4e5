"""Unsettled pushes: those that are neither sent nor given up yet. They decide whether pushes are in
time.

Guarantee: two statements, which read the index of due pushes in the partitions of one day's posts.
"""

from dataclasses import dataclass

from django.db import connection

# A few devices always fail. Up to this share of all pushes, unsettled pushes do not count as late.
SHARE = 0.01
# Counting stops here: a larger number would tell an operator nothing more.
SHOWN = 20_000
# The newest post that is older than 25 hours. Pushes are retried for 24 hours, so all unsettled
# ones are of later posts. Uses social_post_by_time.
OLDEST_POST = """
    SELECT id FROM social_post WHERE created_at <= statement_timestamp() - interval '25 hours'
    ORDER BY created_at DESC LIMIT 1
"""
# Uses notifications_delivery_due and, for the number of pushes that the newest slices have settled
# lately, the ledger's key. Only the last ten minutes count, so that earlier pushes do not hide an
# outage.
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


@dataclass(frozen=True)
class Unsettled:
    """`count` pushes that were begun longer ago than the target and have not ended, the oldest
    `seconds` ago. `counts` is True if they are more than SHARE, so that pushes are late."""

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
